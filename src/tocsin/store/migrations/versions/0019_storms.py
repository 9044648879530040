"""what exceeds a rate is gathered into digests"""

from tocsin.store.migrate import run_sql_beside

revision = "0019"
down_revision = "0018"


def upgrade() -> None:
    run_sql_beside(__file__)
