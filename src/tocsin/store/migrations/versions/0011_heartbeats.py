"""heartbeats: what is expected to ping, and what happened to it"""

from tocsin.store.migrate import run_sql_beside

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    run_sql_beside(__file__)
