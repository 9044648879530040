"""channels that wake: whose phone replies, what rings until it is answered, secrets of all"""

from tocsin.store.migrate import run_sql_beside

revision = "0022"
down_revision = "0021"


def upgrade() -> None:
    run_sql_beside(__file__)
