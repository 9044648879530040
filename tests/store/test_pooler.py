from __future__ import annotations

import pytest

from tests.support.pgbouncer import pooled
from tests.support.postgres import Database
from tocsin.store.pooler import SharedConnectionsError, require_own_connections


def test_a_server_gives_each_its_own(every_database: Database) -> None:
    require_own_connections(every_database.url)


@pytest.mark.parametrize("mode", ["transaction", "statement"])
def test_a_pooler_that_shares_is_found_at_once(database: Database, mode: str) -> None:
    with pooled(database, mode) as url, pytest.raises(SharedConnectionsError, match="pool_mode"):
        require_own_connections(url)


def test_a_pooler_that_keeps_a_connection_together_is_as_good(database: Database) -> None:
    with pooled(database, "session") as url:
        require_own_connections(url)
