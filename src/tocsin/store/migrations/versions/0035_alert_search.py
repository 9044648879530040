"""words of alerts are found by trigrams; lists of what is over, and of what somebody has"""

from tocsin.store.migrate import run_sql_beside

revision = "0035"
down_revision = "0034"


def upgrade() -> None:
    run_sql_beside(__file__)
