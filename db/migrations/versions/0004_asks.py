"""Asks, which somebody waits for, their parts, and the warm workers that answer them.

Revision: 0004, after 0003.
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "asks",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("uid", sa.String(length=32), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("request", sa.JSON(), nullable=False),
        sa.Column("model_id", sa.Integer(), nullable=False),
        sa.Column("constitution_version_id", sa.Integer(), nullable=True),
        sa.Column("principle_id", sa.Integer(), nullable=True),
        sa.Column("seed", sa.Integer(), nullable=False),
        sa.Column("temperature", sa.Double(), nullable=False),
        sa.Column("max_new_tokens", sa.Integer(), nullable=False),
        sa.Column("device", sa.String(), nullable=False),
        sa.Column("pid", sa.Integer(), nullable=True),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("code_revision", sa.String(), nullable=False),
        sa.Column("stop_requested", sa.Boolean(), nullable=False),
        sa.Column("error", sa.String(), nullable=True),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("started_at", TIME, nullable=True),
        sa.Column("first_text_at", TIME, nullable=True),
        sa.Column("ended_at", TIME, nullable=True),
        sa.CheckConstraint("\"kind\" IN ('sample', 'choose', 'critique_revision')", name=op.f("ck_asks_kind")),
        sa.CheckConstraint(
            "\"state\" IN ('waiting', 'answering', 'done', 'failed', 'stopped')", name=op.f("ck_asks_state")
        ),
        sa.ForeignKeyConstraint(["model_id"], ["models.id"], name=op.f("fk_asks_model_id")),
        sa.ForeignKeyConstraint(
            ["constitution_version_id"], ["constitution_versions.id"], name=op.f("fk_asks_constitution_version_id")
        ),
        sa.ForeignKeyConstraint(["principle_id"], ["principles.id"], name=op.f("fk_asks_principle_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_asks")),
        sa.UniqueConstraint("uid", name=op.f("uq_asks_uid")),
    )
    op.create_index("ix_asks_state_device_id", "asks", ["state", "device", "id"])
    for column in ("model_id", "constitution_version_id", "principle_id"):
        op.create_index(f"ix_asks_{column}", "asks", [column])
    op.create_table(
        "ask_parts",
        sa.Column("ask_id", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("part", sa.String(), nullable=False),
        sa.Column("seed", sa.Integer(), nullable=True),
        sa.Column("rendered", sa.String(), nullable=True),
        sa.Column("sent", sa.String(), nullable=True),
        sa.Column("text", sa.String(), nullable=True),
        sa.Column("thinking", sa.String(), nullable=True),
        sa.Column("finished", sa.Boolean(), nullable=True),
        sa.Column("num_tokens", sa.Integer(), nullable=True),
        sa.Column("logprobs", sa.JSON(), nullable=True),
        sa.Column("bounded", sa.JSON(), nullable=True),
        sa.ForeignKeyConstraint(["ask_id"], ["asks.id"], name=op.f("fk_ask_parts_ask_id")),
        sa.PrimaryKeyConstraint("ask_id", "position", name=op.f("pk_ask_parts")),
    )
    op.create_table(
        "warm_workers",
        sa.Column("device", sa.String(), nullable=False),
        sa.Column("pid", sa.Integer(), nullable=True),
        sa.Column("process_started", sa.Double(), nullable=True),
        sa.Column("launched_at", TIME, nullable=False),
        sa.Column("launches", sa.Integer(), nullable=False),
        sa.Column("heartbeat_at", TIME, nullable=True),
        sa.Column("doing", sa.String(), nullable=False),
        sa.Column("models", sa.JSON(), nullable=False),
        sa.Column("memory", sa.Integer(), nullable=False),
        sa.Column("budget", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("device", name=op.f("pk_warm_workers")),
    )


def downgrade() -> None:
    """Take back."""
    op.drop_table("warm_workers")
    op.drop_table("ask_parts")
    op.drop_table("asks")
