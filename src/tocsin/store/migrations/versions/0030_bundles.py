"""the pages of one person that exceed what they can read go as one"""

from tocsin.store.migrate import run_sql_beside

revision = "0030"
down_revision = "0029"


def upgrade() -> None:
    run_sql_beside(__file__)
