"""Every call ends, whatever the database does, and says why."""

from __future__ import annotations

import os
import signal
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.api.conftest import Hub
from tocsin.api import gate


@contextmanager
def stopped_backends(hub: Hub) -> Iterator[None]:
    """The server processes behind the pool neither answer nor hang up."""
    statement = (
        "SELECT pid FROM pg_stat_activity WHERE application_name = 'tocsin'"
        " AND datname = current_database()"
    )
    pids = [pid for (pid,) in hub.sql(statement)]
    assert pids
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)


def test_a_locked_table_is_waited_for_seconds_only(hub: Hub) -> None:
    with hub.connect() as connection, connection.transaction():
        connection.execute("LOCK TABLE tenants IN ACCESS EXCLUSIVE MODE")
        began = time.monotonic()
        answer = hub.admin.get("/tenants")
        took = time.monotonic() - began
    assert (answer.status, answer.slug) == (503, "database-unavailable")
    assert int(answer.headers["retry-after"]) > 0
    assert took < 12
    assert hub.admin.get("/tenants").status == 200


def test_a_database_that_hangs_is_not_waited_for(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gate, "CALL_SECONDS", 1.0)
    assert hub.admin.get("/tenants").status == 200
    with stopped_backends(hub):
        began = time.monotonic()
        answer = hub.admin.get("/tenants")
        assert (answer.status, answer.slug) == (503, "database-unavailable")
        # The deadline leaves the body its own 3 seconds and 5 more.
        assert time.monotonic() - began < 14
    end = time.monotonic() + 20
    while hub.admin.get("/tenants").status != 200:
        assert time.monotonic() < end


def test_readyz_says_so_in_seconds(hub: Hub) -> None:
    url = hub.admin.base_url.removesuffix("/api/v1") + "/readyz"
    with urllib.request.urlopen(url) as answer:
        assert answer.status == 200
    with stopped_backends(hub):
        began = time.monotonic()
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(url, timeout=30)
        assert refused.value.code == 503
        assert time.monotonic() - began < 4
