"""while an integration has two secrets, it is known when each was last used"""

from tocsin.store.migrate import run_sql_beside

revision = "0036"
down_revision = "0035"


def upgrade() -> None:
    run_sql_beside(__file__)
