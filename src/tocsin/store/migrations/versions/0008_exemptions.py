"""what a rule does not apply to, and several quiet windows"""

from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    op.execute("ALTER TABLE alert_rules ADD COLUMN unless jsonb NOT NULL DEFAULT '[]'::jsonb")
    op.execute(
        "UPDATE alert_rules SET quiet_hours = CASE jsonb_typeof(quiet_hours)"
        " WHEN 'object' THEN jsonb_build_array(quiet_hours) ELSE NULL END"
        " WHERE jsonb_typeof(quiet_hours) <> 'array'"
    )
