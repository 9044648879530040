"""who was paged is told that it is over, and a person may have somebody paged whom no rule asks for"""

from tocsin.store.migrate import run_sql_beside

revision = "0031"
down_revision = "0030"


def upgrade() -> None:
    run_sql_beside(__file__)
