"""escalation policies, and the escalations that run by them"""

from tocsin.store.migrate import run_sql_beside

revision = "0021"
down_revision = "0020"


def upgrade() -> None:
    run_sql_beside(__file__)
