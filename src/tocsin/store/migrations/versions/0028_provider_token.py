"""a session knows what its provider said"""

from tocsin.store.migrate import run_sql_beside

revision = "0028"
down_revision = "0027"


def upgrade() -> None:
    run_sql_beside(__file__)
