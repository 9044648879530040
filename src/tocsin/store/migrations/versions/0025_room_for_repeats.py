"""room for repeats beside alerts"""

from tocsin.store.migrate import run_sql_beside

revision = "0025"
down_revision = "0024"


def upgrade() -> None:
    run_sql_beside(__file__)
