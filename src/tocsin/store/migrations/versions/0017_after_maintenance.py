"""one message for all that is still open after maintenance"""

from alembic import op

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    op.execute("ALTER TABLE alert_groups DROP CONSTRAINT ck_alert_groups_known_kind")
    op.execute(
        "ALTER TABLE alert_groups ADD CONSTRAINT ck_alert_groups_known_kind"
        " CHECK (kind IN ('rule', 'storm', 'maintenance'))"
    )
