"""when each kind of history was swept last, and how much that deleted"""

from tocsin.store.migrate import run_sql_beside

revision = "0039"
down_revision = "0038"


def upgrade() -> None:
    run_sql_beside(__file__)
