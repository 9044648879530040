"""the time zone data that heartbeats were scheduled by"""

from __future__ import annotations

from tocsin.store.migrate import run_sql_beside

revision = "0026"
down_revision = "0025"


def upgrade() -> None:
    run_sql_beside(__file__)
