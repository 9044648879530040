"""until when senders say that alerts fire"""

from tocsin.store.migrate import run_sql_beside

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    run_sql_beside(__file__)
