"""sessions know where they work; links that sign in once; saved views; live alerts by severity"""

from tocsin.store.migrate import run_sql_beside

revision = "0024"
down_revision = "0023"


def upgrade() -> None:
    run_sql_beside(__file__)
