from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any, cast

from tocsin.ingest import sender_clocks
from tocsin.ingest.received_webhook import Webhook
from tocsin.ingest.sender_clocks import CLOCK_BEHIND, SenderClocks
from tocsin.model import Signal, SignalKind

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


class Posts:
    """What one process sees of one sender, and of a second one."""

    def __init__(self) -> None:
        self.clocks = SenderClocks()

    def post(
        self, end: datetime | None, *, alert: str = "down", sender: bytes = bytes(16)
    ) -> tuple[str, ...]:
        """The flags of a post. `end` None: it fires, and ends in the future."""
        kind = SignalKind.TRIGGER if end is None else SignalKind.RESOLVE
        entry = SimpleNamespace(id_bytes=sender)
        webhook = Webhook(
            sender=cast(Any, SimpleNamespace(entry=entry)),
            id=bytes(16),
            received_at=NOON,
            headers={},
            body=b"",
            raw_payload=b"",
            fingerprint="",
            signals=[Signal(kind, alert, "x", occurred_at=end)],
        )
        self.clocks.look(webhook)
        return webhook.flags


def test_an_end_that_is_past_and_moves_on_with_each_post() -> None:
    posts = Posts()
    said = [posts.post(NOON + n * 2 * MINUTE) for n in range(5)]
    assert said == [(), (), (), (CLOCK_BEHIND,), (CLOCK_BEHIND,)]


def test_an_alert_that_is_over_is_repeated_with_the_same_end() -> None:
    posts = Posts()
    assert {posts.post(NOON) for _ in range(15)} == {()}


def test_replicas_that_saw_the_end_at_different_times_say_nothing_of_clocks() -> None:
    posts = Posts()
    ends = [NOON, NOON + MINUTE, NOON + 2 * MINUTE] * 5
    assert {posts.post(end) for end in ends} == {()}


def test_an_alert_that_fires_in_between_begins_anew() -> None:
    posts = Posts()
    for n in range(20):
        assert posts.post(NOON + n * MINUTE) == ()
        assert posts.post(None) == ()


def test_alerts_and_senders_are_told_apart() -> None:
    posts = Posts()
    for n in range(3):
        end = NOON + n * MINUTE
        assert posts.post(end, alert="a") == posts.post(end, alert="b") == ()
        assert posts.post(end, alert="a", sender=b"o" * 16) == ()
    assert posts.post(NOON + 3 * MINUTE, alert="a") == (CLOCK_BEHIND,)


def test_no_more_is_remembered_than_there_is_room_for(monkeypatch: Any) -> None:
    monkeypatch.setattr(sender_clocks, "REMEMBERED", 10)
    posts = Posts()
    for n in range(100):
        posts.post(NOON, alert=str(n))
    assert len(posts.clocks._ends) <= 10
