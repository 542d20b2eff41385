"""People, drafts, cases and their results; asks of several samples and principles; what was taken over, and measured.

Revision: 0005, after 0004.
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)
KINDS = {
    "runs": ("chains", "sft", "comparisons", "labels", "pm", "rl", "battles", "cases"),
    "asks": ("sample", "choose", "critique_revision", "compare", "draft", "count"),
}
LABEL_INDEXES = (
    (["comparison_id"], ["comparison_id", "principle_id", "run_id", "p_a"]),
    (["principle_id", "p_a"], ["principle_id", "id", "state", "p_a", "order_disagrees"]),
)
"""Columns of the indexes of before, and of those that they give way to."""
OLD_KINDS = {"runs": KINDS["runs"][:-1], "asks": KINDS["asks"][:3]}


def upgrade() -> None:
    """Apply. What was not measured before stays unknown."""
    _people_and_drafts()
    _cases()
    _allow(KINDS)
    with op.batch_alter_table("ask_parts", schema=None) as batch_op:
        batch_op.add_column(sa.Column("sample", sa.Integer(), nullable=False, server_default=sa.text("0")))
        batch_op.add_column(sa.Column("principle_id", sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column("order", sa.String(), nullable=True))
        batch_op.add_column(sa.Column("failure", sa.String(), nullable=True))
        batch_op.add_column(sa.Column("error", sa.String(), nullable=True))
        batch_op.create_index("ix_ask_parts_principle_id", ["principle_id"])
        batch_op.create_foreign_key(op.f("fk_ask_parts_principle_id"), "principles", ["principle_id"], ["id"])
    with op.batch_alter_table("asks", schema=None) as batch_op:
        batch_op.add_column(sa.Column("plain_because", sa.String(), nullable=True))
    with op.batch_alter_table("chains", schema=None) as batch_op:
        batch_op.add_column(sa.Column("recalled", sa.Integer(), nullable=False, server_default=sa.text("0")))
    with op.batch_alter_table("labels", schema=None) as batch_op:
        batch_op.add_column(sa.Column("recalled", sa.Boolean(), nullable=False, server_default=sa.false()))
        batch_op.drop_constraint("uq_labels_run_id_comparison_id", type_="unique")
        batch_op.create_unique_constraint(
            op.f("uq_labels_run_id_comparison_id_principle_id"), ["run_id", "comparison_id", "principle_id"]
        )
        for before, after in LABEL_INDEXES:
            batch_op.drop_index("ix_labels_" + "_".join(before))
            batch_op.create_index("ix_labels_" + "_".join(after), after)
    with op.batch_alter_table("revisions", schema=None) as batch_op:
        batch_op.add_column(sa.Column("found", sa.Boolean(), nullable=True))
        batch_op.add_column(sa.Column("changed", sa.Double(), nullable=True))
        batch_op.add_column(sa.Column("longer", sa.Integer(), nullable=True))
        batch_op.drop_index("ix_revisions_principle_id")
        batch_op.create_index(
            "ix_revisions_principle_id_id_found_changed_longer", ["principle_id", "id", "found", "changed", "longer"]
        )


def _people_and_drafts() -> None:
    op.create_table(
        "people",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_people")),
        sa.UniqueConstraint("key", name=op.f("uq_people_key")),
    )
    op.create_table(
        "drafts",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("base_version_id", sa.Integer(), nullable=True),
        sa.Column("content", sa.JSON(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("updated_at", TIME, nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_drafts_person_id")),
        sa.ForeignKeyConstraint(
            ["base_version_id"], ["constitution_versions.id"], name=op.f("fk_drafts_base_version_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_drafts")),
        sa.UniqueConstraint("person_id", "base_version_id", name=op.f("uq_drafts_person_id_base_version_id")),
        sqlite_autoincrement=True,
    )
    for column in ("person_id", "base_version_id"):
        op.create_index(f"ix_drafts_{column}", "drafts", [column])


def _cases() -> None:
    op.create_table(
        "cases",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("uid", sa.String(length=32), nullable=False),
        sa.Column("constitution_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("turns", sa.JSON(), nullable=False),
        sa.Column("principle", sa.String(), nullable=True),
        sa.Column("response_a", sa.String(), nullable=True),
        sa.Column("response_b", sa.String(), nullable=True),
        sa.Column("preferred", sa.String(), nullable=True),
        sa.Column("hope", sa.String(), nullable=False),
        sa.Column("author", sa.String(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("retired_at", TIME, nullable=True),
        sa.CheckConstraint("\"kind\" IN ('prompt', 'pair')", name=op.f("ck_cases_kind")),
        sa.CheckConstraint("preferred IS NULL OR preferred IN ('a', 'b')", name=op.f("ck_cases_preferred")),
        sa.ForeignKeyConstraint(["constitution_id"], ["constitutions.id"], name=op.f("fk_cases_constitution_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cases")),
        sa.UniqueConstraint("uid", name=op.f("uq_cases_uid")),
    )
    op.create_index("ix_cases_constitution_id_id", "cases", ["constitution_id", "id"])
    op.create_table(
        "case_results",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.Column("case_id", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("principle_id", sa.Integer(), nullable=True),
        sa.Column("response", sa.String(), nullable=True),
        sa.Column("critique", sa.String(), nullable=True),
        sa.Column("revision", sa.String(), nullable=True),
        sa.Column("p_a", sa.Double(), nullable=True),
        sa.Column("orders", sa.JSON(), nullable=False),
        sa.Column("order_disagrees", sa.Boolean(), nullable=False),
        sa.Column("sent", sa.JSON(), nullable=False),
        sa.Column("error", sa.String(), nullable=True),
        sa.Column("created_at", TIME, nullable=False),
        sa.CheckConstraint(
            "\"state\" IN ('pass', 'fail', 'could_not_tell', 'unjudged', 'too_long', 'failed')",
            name=op.f("ck_case_results_state"),
        ),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name=op.f("fk_case_results_run_id")),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_case_results_case_id")),
        sa.ForeignKeyConstraint(["principle_id"], ["principles.id"], name=op.f("fk_case_results_principle_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_case_results")),
        sa.UniqueConstraint("run_id", "case_id", name=op.f("uq_case_results_run_id_case_id")),
    )
    op.create_index("ix_case_results_case_id_run_id", "case_results", ["case_id", "run_id"])
    op.create_index("ix_case_results_principle_id", "case_results", ["principle_id"])


def _allow(kinds: dict[str, tuple[str, ...]]) -> None:
    """Let runs and asks be of these kinds, and no others."""
    for table, values in kinds.items():
        listed = ", ".join(f"'{value}'" for value in values)
        with op.batch_alter_table(table, schema=None) as batch_op:
            batch_op.drop_constraint(op.f(f"ck_{table}_kind"), type_="check")
            batch_op.create_check_constraint(op.f(f"ck_{table}_kind"), sa.text(f'"kind" IN ({listed})'))


def downgrade() -> None:
    """Take back. Fails, and changes nothing, where a comparison has several labels or a run is of a new kind."""
    with op.batch_alter_table("revisions", schema=None) as batch_op:
        batch_op.drop_index("ix_revisions_principle_id_id_found_changed_longer")
        batch_op.create_index("ix_revisions_principle_id", ["principle_id"])
        batch_op.drop_column("longer")
        batch_op.drop_column("changed")
        batch_op.drop_column("found")
    with op.batch_alter_table("labels", schema=None) as batch_op:
        batch_op.drop_constraint("uq_labels_run_id_comparison_id_principle_id", type_="unique")
        batch_op.create_unique_constraint(op.f("uq_labels_run_id_comparison_id"), ["run_id", "comparison_id"])
        for before, after in LABEL_INDEXES:
            batch_op.drop_index("ix_labels_" + "_".join(after))
            batch_op.create_index("ix_labels_" + "_".join(before), before)
        batch_op.drop_column("recalled")
    with op.batch_alter_table("chains", schema=None) as batch_op:
        batch_op.drop_column("recalled")
    with op.batch_alter_table("asks", schema=None) as batch_op:
        batch_op.drop_column("plain_because")
    with op.batch_alter_table("ask_parts", schema=None) as batch_op:
        batch_op.drop_column("error")
        batch_op.drop_column("failure")
        batch_op.drop_constraint("fk_ask_parts_principle_id", type_="foreignkey")
        batch_op.drop_index("ix_ask_parts_principle_id")
        batch_op.drop_column("order")
        batch_op.drop_column("principle_id")
        batch_op.drop_column("sample")
    _allow(OLD_KINDS)
    for table in ("case_results", "cases", "drafts", "people"):
        op.drop_table(table)
