"""Acting on many alerts from the command line; no server runs, so the command does the work itself."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.api import past
from tests.cli.program import Program
from tests.support.postgres import Database


@pytest.fixture
def open_alerts(tocsin: Program, database: Database) -> None:
    made = tocsin.call("integration", "create", "shop", "--json")
    sender: dict[str, Any] = json.loads(made.out)

    def sql(statement: str, *parameters: object) -> None:
        with database.connect() as connection:
            connection.execute(statement, parameters)

    past.alerts(sql, sender, 3)


@pytest.mark.usefixtures("open_alerts")
def test_all_that_match_are_acted_on_and_it_is_undone(tocsin: Program) -> None:
    done = tocsin.call("bulk", "act", "acknowledge", "status:open host:db*", "--note", "Storage")
    assert done.code == 0, done
    assert "acknowledge done: 3 changed of 3." in done.out
    assert "acknowledge" in tocsin.call("bulk", "list").out
    again = tocsin.call("bulk", "act", "acknowledge", "host:db*")
    assert "0 changed, 3 were so already of 3." in again.out
    found = json.loads(tocsin.call("bulk", "list", "--json").out)
    undone = tocsin.call("bulk", "undo", found[-1]["id"])
    assert "unacknowledge done: 3 changed of 3." in undone.out
    shown = json.loads(tocsin.call("bulk", "show", "last", "--json").out)
    assert (shown["state"], shown["refused"]) == ("done", [])
    assert "done" in tocsin.call("bulk", "cancel", "last").out


@pytest.mark.usefixtures("open_alerts")
def test_what_could_not_be_done_is_shown_with_why(tocsin: Program) -> None:
    tocsin.call("bulk", "act", "close", "title:*3")
    tocsin.call("bulk", "act", "snooze", "host:db*", "--for", "30m")
    shown = tocsin.call("bulk", "show", "last").out
    assert "snooze done: 2 changed, 1 could not of 3." in shown
    assert "it is closed" in shown


def test_what_cannot_be_read_is_refused(tocsin: Program) -> None:
    refused = tocsin.call("bulk", "act", "resolve", "severity:awful")
    assert refused.code != 0
    assert "There is no severity" in "".join(refused.complaints)
