"""a heartbeat may say how long it may wait for its first ping"""

from tocsin.store.migrate import run_sql_beside

revision = "0037"
down_revision = "0036"


def upgrade() -> None:
    run_sql_beside(__file__)
