"""The audit log knows cohorts by UID: a new cohort of an old name has other instructors.

Lines of before keep an empty UID, so that administrators alone read them.
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.add_column(
        "audit",
        sa.Column("cohort_uid", sa.String(length=64), nullable=False, server_default=""),
    )
    op.create_index("ix_audit_cohort_uid", "audit", ["cohort_uid"])


def downgrade() -> None:
    op.drop_index("ix_audit_cohort_uid", "audit")
    op.drop_column("audit", "cohort_uid")
