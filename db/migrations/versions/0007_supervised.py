"""The supervised stage: branches, gates, scores, reviews, datasets, generated prompts, and full-text search.

Revision: 0007, after 0006.
"""

import hashlib
from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from alembic import op

from db import search

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)
KINDS = {
    "runs": ("prompts", "chains", "scores", "sft", "comparisons", "labels", "pm", "rl", "battles", "cases"),
    "asks": ("sample", "choose", "critique_revision", "compare", "draft", "count", "branch", "render", "preview"),
}
OLD_KINDS = {
    "runs": ("chains", "sft", "comparisons", "labels", "pm", "rl", "battles", "cases"),
    "asks": ("sample", "choose", "critique_revision", "compare", "draft", "count"),
}
EMPTY = sa.text("'{}'")
BATCH = 500


def upgrade() -> None:
    """Apply. Chains of before get their uids and are searchable; their gates are not looked at yet."""
    _allow(KINDS)
    with op.batch_alter_table("runs", schema=None) as batch_op:
        batch_op.add_column(sa.Column("origin", sa.String(), nullable=True))
        batch_op.add_column(sa.Column("told", sa.JSON(), nullable=True))
    with op.batch_alter_table("people", schema=None) as batch_op:
        batch_op.add_column(sa.Column("settings", sa.JSON(), nullable=False, server_default=EMPTY))
    with op.batch_alter_table("prompts", schema=None) as batch_op:
        batch_op.add_column(sa.Column("run_id", sa.Integer(), nullable=True))
        batch_op.create_foreign_key(op.f("fk_prompts_run_id"), "runs", ["run_id"], ["id"])
        batch_op.create_index("ix_prompts_run_id", ["run_id"])
        batch_op.drop_index("ix_prompts_source_kind_split")
        batch_op.create_index("ix_prompts_source_kind_split_topic", ["source", "kind", "split", "topic"])
    op.create_index("ix_prompts_tagged", "prompts", ["id"], sqlite_where=sa.text("tags <> '[]'"))
    op.create_index("ix_battles_prompt_id", "battles", ["prompt_id"])
    with op.batch_alter_table("rollouts", schema=None) as batch_op:
        batch_op.alter_column("reward", existing_type=sa.Double(), nullable=True)
    _widen_chains()
    _widen_revisions()
    _create_tables()
    search.create(op.get_bind())
    _fill_search()


def _widen_chains() -> None:
    with op.batch_alter_table("chains", schema=None) as batch_op:
        batch_op.add_column(sa.Column("uid", sa.String(length=32), nullable=True))
        batch_op.add_column(sa.Column("branch", sa.Integer(), nullable=False, server_default=sa.text("0")))
        batch_op.add_column(sa.Column("parent_id", sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column("author", sa.String(), nullable=True))
        for name in ("gates", "hits", "words"):
            batch_op.add_column(sa.Column(name, sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column("changed", sa.Double(), nullable=True))
        batch_op.add_column(sa.Column("extra", sa.JSON(), nullable=False, server_default=EMPTY))
    _fill_uids()
    with op.batch_alter_table("chains", schema=None) as batch_op:
        batch_op.alter_column("uid", existing_type=sa.String(length=32), nullable=False)
        batch_op.create_unique_constraint(op.f("uq_chains_uid"), ["uid"])
        batch_op.create_foreign_key(op.f("fk_chains_parent_id"), "chains", ["parent_id"], ["id"])
        batch_op.create_index("ix_chains_parent_id", ["parent_id"])
        batch_op.create_index("ix_chains_changed_id", ["changed", "id"])
        batch_op.drop_constraint("uq_chains_run_id_prompt_id_sample", type_="unique")
        batch_op.create_unique_constraint(
            op.f("uq_chains_run_id_prompt_id_sample_branch"), ["run_id", "prompt_id", "sample", "branch"]
        )


def _widen_revisions() -> None:
    with op.batch_alter_table("revisions", schema=None) as batch_op:
        batch_op.add_column(sa.Column("written", sa.String(), nullable=True))
        batch_op.add_column(sa.Column("skipped", sa.Boolean(), nullable=False, server_default=sa.text("0")))
        batch_op.add_column(sa.Column("edited", sa.String(), nullable=True))
        batch_op.add_column(sa.Column("critique_gates", sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column("revision_gates", sa.Integer(), nullable=True))
        batch_op.alter_column("revision_sent", existing_type=sa.String(), nullable=True)
        batch_op.create_check_constraint(
            op.f("ck_revisions_edited"), sa.text("\"edited\" IN ('critique', 'revision', 'principle')")
        )
        batch_op.create_index("ix_revisions_principle_id_chain_id", ["principle_id", "chain_id"])


def _create_tables() -> None:
    op.create_table(
        "inputs",
        sa.Column("chain_id", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("text", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["chain_id"], ["chains.id"], name=op.f("fk_inputs_chain_id")),
        sa.PrimaryKeyConstraint("chain_id", "position", name=op.f("pk_inputs")),
    )
    op.create_table(
        "scores",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.Column("chain_id", sa.Integer(), nullable=False),
        sa.Column("round", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("value", sa.Double(), nullable=True),
        sa.Column("verdict", sa.String(), nullable=True),
        sa.Column("principle_id", sa.Integer(), nullable=True),
        sa.Column("error", sa.String(), nullable=True),
        sa.CheckConstraint("\"state\" IN ('done', 'too_long', 'failed')", name=op.f("ck_scores_state")),
        sa.ForeignKeyConstraint(["principle_id"], ["principles.id"], name=op.f("fk_scores_principle_id")),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name=op.f("fk_scores_run_id")),
        sa.ForeignKeyConstraint(["chain_id"], ["chains.id"], name=op.f("fk_scores_chain_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_scores")),
        sa.UniqueConstraint("run_id", "chain_id", "round", name=op.f("uq_scores_run_id_chain_id_round")),
    )
    op.create_index("ix_scores_chain_id_round", "scores", ["chain_id", "round"])
    op.create_index("ix_scores_principle_id", "scores", ["principle_id"])
    op.create_table(
        "reviews",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("chain_id", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("verdict", sa.String(), nullable=False),
        sa.Column("note", sa.String(), nullable=False),
        sa.Column("current", sa.Boolean(), nullable=False),
        sa.Column("undoes_id", sa.Integer(), nullable=True),
        sa.Column("created_at", TIME, nullable=False),
        sa.CheckConstraint("\"verdict\" IN ('accept', 'reject', 'flag', 'none')", name=op.f("ck_reviews_verdict")),
        sa.ForeignKeyConstraint(["chain_id"], ["chains.id"], name=op.f("fk_reviews_chain_id")),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_reviews_person_id")),
        sa.ForeignKeyConstraint(["undoes_id"], ["reviews.id"], name=op.f("fk_reviews_undoes_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reviews")),
    )
    op.create_index("ix_reviews_person_id", "reviews", ["person_id"])
    op.create_index("ix_reviews_undoes_id", "reviews", ["undoes_id"])
    op.create_index("ix_reviews_chain_id_person_id_id", "reviews", ["chain_id", "person_id", "id"])
    standing: dict[str, Any] = {"sqlite_where": sa.text("current = 1"), "postgresql_where": sa.text("current")}
    op.create_index("ix_reviews_standing", "reviews", ["verdict", "chain_id", "name"], **standing)
    op.create_index("ix_reviews_reviewer", "reviews", ["name", "verdict", "chain_id"], **standing)
    op.create_index("uq_reviews_current", "reviews", ["chain_id", "person_id"], unique=True, **standing)
    op.create_table(
        "saved_filters",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("page", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("query", sa.JSON(), nullable=False),
        sa.Column("author", sa.String(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_saved_filters")),
        sa.UniqueConstraint("page", "name", name=op.f("uq_saved_filters_page_name")),
    )
    op.create_table(
        "datasets",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("uid", sa.String(length=32), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("recipe", sa.JSON(), nullable=False),
        sa.Column("counts", sa.JSON(), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.Column("author", sa.String(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_datasets")),
        sa.UniqueConstraint("name", name=op.f("uq_datasets_name")),
        sa.UniqueConstraint("uid", name=op.f("uq_datasets_uid")),
    )
    op.create_table(
        "run_datasets",
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.Column("dataset_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name=op.f("fk_run_datasets_run_id")),
        sa.ForeignKeyConstraint(["dataset_id"], ["datasets.id"], name=op.f("fk_run_datasets_dataset_id")),
        sa.PrimaryKeyConstraint("run_id", name=op.f("pk_run_datasets")),
    )
    op.create_index("ix_run_datasets_dataset_id", "run_datasets", ["dataset_id"])
    op.create_table(
        "dataset_examples",
        sa.Column("dataset_id", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("chain_id", sa.Integer(), nullable=False),
        sa.Column("round", sa.Integer(), nullable=False),
        sa.Column("split", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["dataset_id"], ["datasets.id"], name=op.f("fk_dataset_examples_dataset_id")),
        sa.ForeignKeyConstraint(["chain_id"], ["chains.id"], name=op.f("fk_dataset_examples_chain_id")),
        sa.PrimaryKeyConstraint("dataset_id", "position", name=op.f("pk_dataset_examples")),
    )
    op.create_index("ix_dataset_examples_chain_id", "dataset_examples", ["chain_id"])
    _create_prompt_attempts()


def _create_prompt_attempts() -> None:
    outcomes = "'kept', 'empty', 'cut', 'echo', 'duplicate', 'near_duplicate'"
    op.create_table(
        "prompt_attempts",
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("text", sa.String(), nullable=True),
        sa.Column("finished", sa.Boolean(), nullable=True),
        sa.Column("seed", sa.Integer(), nullable=False),
        sa.Column("sent", sa.String(), nullable=True),
        sa.Column("error", sa.String(), nullable=True),
        sa.Column("outcome", sa.String(), nullable=True),
        sa.Column("prompt_id", sa.Integer(), nullable=True),
        sa.CheckConstraint("\"state\" IN ('done', 'too_long', 'failed')", name=op.f("ck_prompt_attempts_state")),
        sa.CheckConstraint(f'"outcome" IN ({outcomes})', name=op.f("ck_prompt_attempts_outcome")),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name=op.f("fk_prompt_attempts_run_id")),
        sa.ForeignKeyConstraint(["prompt_id"], ["prompts.id"], name=op.f("fk_prompt_attempts_prompt_id")),
        sa.PrimaryKeyConstraint("run_id", "position", name=op.f("pk_prompt_attempts")),
    )
    op.create_index("ix_prompt_attempts_prompt_id", "prompt_attempts", ["prompt_id"])


def _fill_uids() -> None:
    connection = op.get_bind()
    chains, runs, prompts = (sa.table(name, *map(sa.column, columns)) for name, columns in _COLUMNS.items())
    rows = (
        sa.select(chains.c.id, chains.c.sample, runs.c.uid, prompts.c.uid)
        .outerjoin_from(chains, runs, runs.c.id == chains.c.run_id)
        .outerjoin(prompts, prompts.c.id == chains.c.prompt_id)
    )  # a row that points nowhere is named at the end, and must come as far as that
    fill = sa.update(chains).where(chains.c.id == sa.bindparam("row")).values(uid=sa.bindparam("made"))
    for found in _batches(connection, rows, chains.c.id):
        made = [
            (row_id, f"{run}\x1f{prompt}\x1f{sample}" if run and prompt else f"{row_id}")
            for row_id, sample, run, prompt in found
        ]
        connection.execute(
            fill, [{"row": row, "made": hashlib.sha256(key.encode()).hexdigest()[:32]} for row, key in made]
        )


_COLUMNS = {
    "chains": ("id", "uid", "run_id", "prompt_id", "sample"),
    "runs": ("id", "uid"),
    "prompts": ("id", "uid"),
}


def _fill_search() -> None:
    connection = op.get_bind()
    prompts = sa.table("prompts", sa.column("id"), sa.column("turns", sa.JSON()))
    for found in _batches(connection, sa.select(prompts.c.id, prompts.c.turns), prompts.c.id):
        search.add(connection, search.Index.PROMPTS, [(row_id, search.body_of_turns(turns)) for row_id, turns in found])
    chains = sa.table("chains", *map(sa.column, ("id", "prompt_id", "response")))
    revisions = sa.table("revisions", *map(sa.column, ("chain_id", "round", "critique", "revision")))
    rows = sa.select(chains.c.id, chains.c.response, prompts.c.turns).join_from(
        chains, prompts, prompts.c.id == chains.c.prompt_id
    )
    for found in _batches(connection, rows, chains.c.id):
        texts: dict[int, list[tuple[str | None, str]]] = {}
        theirs = sa.select(revisions.c.chain_id, revisions.c.critique, revisions.c.revision).where(
            revisions.c.chain_id.in_([row[0] for row in found])
        )
        for chain_id, critique, text in connection.execute(theirs.order_by(revisions.c.chain_id, revisions.c.round)):
            texts.setdefault(chain_id, []).append((critique, text))
        search.add(
            connection,
            search.Index.CHAINS,
            [
                (row_id, search.body_of_chain(turns, response, texts.get(row_id, [])))
                for row_id, response, turns in found
            ],
        )


def _batches(connection: sa.Connection, rows: "sa.Select[Any]", key: "sa.ColumnClause[Any]") -> Iterator[list[Any]]:
    last = 0
    while found := list(connection.execute(rows.where(key > last).order_by(key).limit(BATCH))):
        yield found
        last = found[-1][0]


def _allow(kinds: dict[str, tuple[str, ...]]) -> None:
    """Let runs and asks be of these kinds, and no others."""
    for table, values in kinds.items():
        listed = ", ".join(f"'{value}'" for value in values)
        with op.batch_alter_table(table, schema=None) as batch_op:
            batch_op.drop_constraint(op.f(f"ck_{table}_kind"), type_="check")
            batch_op.create_check_constraint(op.f(f"ck_{table}_kind"), sa.text(f'"kind" IN ({listed})'))


def downgrade() -> None:
    """Take back. Fails, and changes nothing, where there are branches or runs of a new kind."""
    search.drop(op.get_bind())
    of_prompts_and_datasets = ("prompt_attempts", "dataset_examples", "run_datasets", "datasets", "saved_filters")
    for table in (*of_prompts_and_datasets, "reviews", "scores", "inputs"):
        op.drop_table(table)
    with op.batch_alter_table("revisions", schema=None) as batch_op:
        batch_op.drop_index("ix_revisions_principle_id_chain_id")
        batch_op.drop_constraint(op.f("ck_revisions_edited"), type_="check")
        batch_op.alter_column("revision_sent", existing_type=sa.String(), nullable=False)
        for name in ("revision_gates", "critique_gates", "edited", "skipped", "written"):
            batch_op.drop_column(name)
    with op.batch_alter_table("chains", schema=None) as batch_op:
        batch_op.drop_constraint("uq_chains_run_id_prompt_id_sample_branch", type_="unique")
        batch_op.create_unique_constraint(op.f("uq_chains_run_id_prompt_id_sample"), ["run_id", "prompt_id", "sample"])
        batch_op.drop_index("ix_chains_changed_id")
        batch_op.drop_index("ix_chains_parent_id")
        batch_op.drop_constraint("fk_chains_parent_id", type_="foreignkey")
        batch_op.drop_constraint("uq_chains_uid", type_="unique")
        for name in ("extra", "changed", "words", "hits", "gates", "author", "parent_id", "branch", "uid"):
            batch_op.drop_column(name)
    op.drop_index("ix_battles_prompt_id", "battles")
    op.drop_index("ix_prompts_tagged", "prompts")
    with op.batch_alter_table("prompts", schema=None) as batch_op:
        batch_op.drop_index("ix_prompts_source_kind_split_topic")
        batch_op.create_index("ix_prompts_source_kind_split", ["source", "kind", "split"])
        batch_op.drop_index("ix_prompts_run_id")
        batch_op.drop_constraint("fk_prompts_run_id", type_="foreignkey")
        batch_op.drop_column("run_id")
    op.execute("DELETE FROM rollouts WHERE reward IS NULL")
    with op.batch_alter_table("rollouts", schema=None) as batch_op:
        batch_op.alter_column("reward", existing_type=sa.Double(), nullable=False)
    with op.batch_alter_table("people", schema=None) as batch_op:
        batch_op.drop_column("settings")
    with op.batch_alter_table("runs", schema=None) as batch_op:
        batch_op.drop_column("told")
        batch_op.drop_column("origin")
    _allow(OLD_KINDS)
