"""Responses say whether they were cut, comparisons keep what was sent, battles say why; pages find a run's rows.

Revision: 0002, after 0001.
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

PAGED = ("chains", "comparisons", "battles")
"""Whose pages are keyset pages of one run: without a plain index on it, each page sorts the whole run."""


def upgrade() -> None:
    """Apply. What was not kept before stays unknown."""
    with op.batch_alter_table("comparisons", schema=None) as batch_op:
        batch_op.add_column(sa.Column("sent", sa.String(), nullable=True))
        batch_op.add_column(sa.Column("finished_a", sa.Boolean(), nullable=True))
        batch_op.add_column(sa.Column("finished_b", sa.Boolean(), nullable=True))
    with op.batch_alter_table("responses", schema=None) as batch_op:
        batch_op.add_column(sa.Column("finished", sa.Boolean(), nullable=True))
    with op.batch_alter_table("battles", schema=None) as batch_op:
        batch_op.add_column(sa.Column("error", sa.String(), nullable=True))
    for table in PAGED:
        op.create_index(f"ix_{table}_run_id", table, ["run_id"])


def downgrade() -> None:
    """Take back."""
    for table in PAGED:
        op.drop_index(f"ix_{table}_run_id", table)
    with op.batch_alter_table("battles", schema=None) as batch_op:
        batch_op.drop_column("error")
    with op.batch_alter_table("responses", schema=None) as batch_op:
        batch_op.drop_column("finished")
    with op.batch_alter_table("comparisons", schema=None) as batch_op:
        batch_op.drop_column("finished_b")
        batch_op.drop_column("finished_a")
        batch_op.drop_column("sent")
