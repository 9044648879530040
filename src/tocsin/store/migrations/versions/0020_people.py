"""people: how they are reached and when, who is invited, whose a key is"""

from tocsin.store.migrate import run_sql_beside

revision = "0020"
down_revision = "0019"


def upgrade() -> None:
    run_sql_beside(__file__)
