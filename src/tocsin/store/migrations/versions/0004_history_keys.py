"""foreign keys hold history together; what is deleted is marked"""

from tocsin.store.migrate import run_sql_beside

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    run_sql_beside(__file__)
