"""how each tenant stands is looked up, however many alerts there are"""

from tocsin.store.migrate import run_sql_beside

revision = "0040"
down_revision = "0039"


def upgrade() -> None:
    run_sql_beside(__file__)
