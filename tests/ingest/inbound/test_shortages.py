"""What every product answers while the database is away, and to keys that were made a moment ago."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

from tests.ingest.inbound.conftest import Outside
from tocsin.alerts.directory import DirectoryFeed

EVENT = {"event_action": "trigger", "payload": {"summary": "x"}}


def _requests(outside: Outside, key: str) -> list[Any]:
    return [
        outside.request("POST", "/v2/enqueue", {**EVENT, "routing_key": key[:32]}),
        outside.request("POST", "/api/v2/alerts", [{"labels": {"a": "b"}}], key=key),
        outside.request(
            "POST", "/v2/alerts", {"message": "x"}, headers={"Authorization": f"GenieKey {key}"}
        ),
    ]


def test_a_key_that_cannot_be_looked_up_is_to_be_sent_again(
    outside: Outside, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(self: Any) -> Any:
        raise psycopg.OperationalError("the server is gone")

    monkeypatch.setattr(DirectoryFeed, "look", away)
    answers = _requests(outside, "k" * 40)
    assert [answer.status for answer in answers] == [503, 503, 503]
    for answer in answers:
        assert answer.headers["content-type"] == "application/json"
        assert "gone" not in answer.body.decode()


def test_a_key_works_as_soon_as_it_is_made(outside: Outside) -> None:
    """However many wrong ones came just before."""
    for n in range(3):
        assert {answer.status for answer in _requests(outside, "w" * 40)} == {400, 401}
        made = outside.hub.admin.made("/integrations", {"name": f"keyed {n}", "type": "opsgenie"})
        headers = {"Authorization": f"GenieKey {made['webhook_secret']}"}
        answer = outside.request("POST", "/v2/alerts", {"message": "x"}, headers=headers)
        assert answer.status == 202


def test_a_fault_is_one_of_the_product_and_says_nothing_of_it(
    outside: Outside, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(self: Any) -> Any:
        raise KeyError("a secret of the program")

    monkeypatch.setattr(DirectoryFeed, "look", broken)
    for answer in _requests(outside, "k" * 40):
        assert answer.status == 500
        assert b"secret of" not in answer.body
