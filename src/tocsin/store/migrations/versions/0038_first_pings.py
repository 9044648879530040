"""a heartbeat may say how long it may wait for its first ping"""

from tocsin.store.migrate import run_sql_beside

revision = "0038"
down_revision = "0037"


def upgrade() -> None:
    run_sql_beside(__file__)
