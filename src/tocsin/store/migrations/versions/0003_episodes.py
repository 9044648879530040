"""when an episode ended, and what an alert said last"""

from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.execute("ALTER TABLE alerts ADD COLUMN words_digest uuid")
    op.execute("ALTER TABLE resolutions ADD COLUMN arrived_at timestamptz")
