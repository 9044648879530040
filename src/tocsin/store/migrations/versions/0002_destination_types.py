"""the type of a destination is the program's to check: a new channel needs no migration"""

from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.execute("ALTER TABLE alert_destinations DROP CONSTRAINT ck_alert_destinations_type")
