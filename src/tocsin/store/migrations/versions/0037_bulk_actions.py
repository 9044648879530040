"""what people do to many alerts at once is kept, and worked through in steps"""

from tocsin.store.migrate import run_sql_beside

revision = "0037"
down_revision = "0036"


def upgrade() -> None:
    run_sql_beside(__file__)
