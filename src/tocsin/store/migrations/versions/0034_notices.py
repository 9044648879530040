"""people are told of their shifts, and of gaps in schedules"""

from tocsin.store.migrate import run_sql_beside

revision = "0034"
down_revision = "0033"


def upgrade() -> None:
    run_sql_beside(__file__)
