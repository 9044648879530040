"""what is held waits for a look, not for its time"""

from tocsin.store.migrate import run_sql_beside

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    run_sql_beside(__file__)
