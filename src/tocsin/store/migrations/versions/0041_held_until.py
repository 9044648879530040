"""what is held without a time is not found by one"""

from tocsin.store.migrate import run_sql_beside

revision = "0041"
down_revision = "0040"


def upgrade() -> None:
    run_sql_beside(__file__)
