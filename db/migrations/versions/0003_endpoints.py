"""Models may be asked for at a server; a label's order says whether an option's log-probability is only a bound.

Revision: 0003, after 0002.
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply. Until now every log-probability was read off the model itself."""
    with op.batch_alter_table("models", schema=None) as batch_op:
        batch_op.add_column(sa.Column("endpoint", sa.JSON(), nullable=True))
    with op.batch_alter_table("label_orders", schema=None) as batch_op:
        batch_op.add_column(sa.Column("bounded", sa.Boolean(), nullable=False, server_default=sa.false()))
    # The default was for the rows that are there: from now on whoever writes says it.
    with op.batch_alter_table("label_orders", schema=None) as batch_op:
        batch_op.alter_column("bounded", server_default=None)


def downgrade() -> None:
    """Take back."""
    with op.batch_alter_table("label_orders", schema=None) as batch_op:
        batch_op.drop_column("bounded")
    with op.batch_alter_table("models", schema=None) as batch_op:
        batch_op.drop_column("endpoint")
