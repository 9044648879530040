"""foreign keys hold history together; what is deleted is marked"""

from tocsin.store.migrate import run_sql_beside

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    run_sql_beside(__file__)
