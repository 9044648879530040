"""the list of live alerts is for questions that name a workspace"""

from tocsin.store.migrate import run_sql_beside

revision = "0027"
down_revision = "0026"


def upgrade() -> None:
    run_sql_beside(__file__)
