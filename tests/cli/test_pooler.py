"""Tocsin behind a connection pooler: it works where it can, and elsewhere says at once what to set."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.program import Program
from tests.support.pgbouncer import pooled
from tests.support.postgres import Database


@pytest.mark.parametrize("command", [("serve", "--port", "0"), ("alerts",), ("migrate",)])
def test_a_pooler_that_shares_connections_is_refused_at_the_start(
    tocsin: Program, database: Database, command: tuple[str, ...]
) -> None:
    with pooled(database, "transaction", ignored="extra_float_digits, options") as url:
        ended = Program({**tocsin.settings, "TOCSIN_DATABASE_URL": url}).run(*command)
    assert ended.code == 1
    assert "ready" not in ended.out
    assert len(ended.complaints) == 1
    assert "pool_mode = session" in ended.complaints[0]


def test_the_doctor_names_it(tocsin: Program, database: Database) -> None:
    with pooled(database, "transaction", ignored="extra_float_digits, options") as url:
        ended = Program({**tocsin.settings, "TOCSIN_DATABASE_URL": url}).call("doctor", "--json")
    found = {each["check"]: each for each in json.loads(ended.out)}
    assert found["PostgreSQL"]["health"] == "wrong"
    assert "pool_mode = session" in found["PostgreSQL"]["found"]


def test_it_works_through_a_pooler_in_session_mode(
    tocsin: Program, database: Database, tmp_path: Path
) -> None:
    body = tmp_path / "body.json"
    body.write_text(json.dumps({"title": "Disk full"}))
    with pooled(database, "session") as url:
        program = Program({**tocsin.settings, "TOCSIN_DATABASE_URL": url})
        with program.serving():
            # Made after the start: the server hears of it by LISTEN.
            assert program.call("integration", "create", "shop").code == 0
            assert program.call("send", "-i", "shop", str(body)).code == 0
            assert "Disk full" in program.call("alerts").out
