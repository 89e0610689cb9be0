"""Runs know what they take, and cohorts since when they are gone.

Runs of before are measured once, so that their owners' budgets hold for them too.
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.add_column("runs", sa.Column("bytes", sa.BigInteger(), nullable=False, server_default="0"))
    op.execute(
        "UPDATE runs SET bytes = length(CAST(config AS TEXT)) + length(CAST(environment AS TEXT))"
        ' + length(CAST(summary AS TEXT)) + coalesce((SELECT sum(length(CAST("values" AS TEXT))'
        " + 64) FROM points WHERE points.run_number = runs.number), 0)"
    )
    op.create_index("ix_runs_owner_cohort_uid_bytes", "runs", ["owner", "cohort_uid", "bytes"])
    op.add_column("cohorts", sa.Column("gone_at", sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    op.drop_column("cohorts", "gone_at")
    op.drop_index("ix_runs_owner_cohort_uid_bytes", "runs")
    op.drop_column("runs", "bytes")
