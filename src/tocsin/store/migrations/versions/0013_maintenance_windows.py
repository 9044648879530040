"""windows of maintenance hold what they match, once or again and again"""

from tocsin.store.migrate import run_sql_beside

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    run_sql_beside(__file__)
