"""Previews are the dearest reads there are: bounded, and in turns."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from tests.api import past
from tests.api.conftest import Hub
from tocsin.api.preview_turns import FREE_SECONDS, PreviewTurns
from tocsin.api.problem_answers import ApiProblem
from tocsin.explain import preview as previewing
from tocsin.store.queries import alerts as querying

MATCHER = {"label": "host", "op": "=", "value": "db-1"}


def test_older_alerts_are_read_page_by_page_and_what_is_left_out_is_said(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(querying, "_PAGE", 2)
    sender, now = past.integration(hub), datetime.now(UTC)
    for number in range(5):
        past.alert(hub, sender, f"No. {number}", fired=now, labels={"host": "db-1"})
    body = {"matchers": [MATCHER]}
    found = hub.viewer.made("/silences/preview", body)
    assert [item["title"] for item in found["items"]] == [f"No. {n}" for n in (4, 3, 2, 1, 0)]
    assert (found["considered"], found["is_complete"]) == (5, True)
    monkeypatch.setattr(previewing, "MOST_CONSIDERED", 3)
    fewer = hub.responder.made("/alert-rules/preview", body)
    assert (fewer["considered"], fewer["matched"], fewer["is_complete"]) == (3, 3, False)


def test_a_preview_says_what_was_over_soon_and_what_is_exempt(hub: Hub) -> None:
    sender, now = past.integration(hub), datetime.now(UTC)
    for minutes, host in ((1, "db-1"), (3, "db-1"), (4, "db-1"), (1, "db-2")):
        alert_id = past.alert(hub, sender, f"{minutes} min", fired=now, labels={"host": host})
        hub.sql(
            "UPDATE alerts SET resolved_at = %s, status = 'RESOLVED' WHERE id = %s",
            now + timedelta(minutes=minutes),
            alert_id,
        )
    past.alert(hub, sender, "open", fired=now, labels={"host": "db-1"})
    found = hub.viewer.made("/alert-rules/preview", {"unless": [[MATCHER | {"value": "db-2"}]]})
    assert (found["considered"], found["matched"], found["over_soon"]) == (5, 4, 2)
    assert found["refusals"] == {"unless": 1}
    assert found["misses"][0]["words"] == 'the rule exempts what matches host="db-2"'
    muted = hub.viewer.made("/silences/preview", {"matchers": [MATCHER]})
    assert (muted["matched"], muted["over_soon"]) == (4, 2)


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_a_key_has_one_preview_at_a_time_and_a_pause_as_long() -> None:
    clock = Clock()
    turns, key = PreviewTurns(clock), uuid4()
    with turns.turn(key):
        clock.now += 2.5
        with pytest.raises(ApiProblem) as under_way, turns.turn(key):
            pass
        with turns.turn(uuid4()):
            pass
    assert under_way.value.headers == {"Retry-After": "1"}
    with pytest.raises(ApiProblem) as paused, turns.turn(key):
        pass
    assert paused.value.slug == "preview-rate-limited"
    assert (paused.value.status_code, paused.value.headers) == (429, {"Retry-After": "3"})
    clock.now += 2.5
    with turns.turn(key):
        pass


def test_after_a_short_preview_there_is_no_pause() -> None:
    clock = Clock()
    turns, key = PreviewTurns(clock), uuid4()
    for _ in range(3):
        with turns.turn(key):
            clock.now += FREE_SECONDS


def test_a_preview_that_fails_gives_its_turn_back() -> None:
    clock = Clock()
    turns, key = PreviewTurns(clock), uuid4()
    with pytest.raises(ValueError, match="fault"), turns.turn(key):
        raise ValueError("fault")
    with turns.turn(key):
        pass
