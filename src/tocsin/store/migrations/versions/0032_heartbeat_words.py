"""a heartbeat says what it is for, and what its alert is called"""

from tocsin.store.migrate import run_sql_beside

revision = "0032"
down_revision = "0031"


def upgrade() -> None:
    run_sql_beside(__file__)
