"""What only says again what is so is renewed without being read, and nobody can tell."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum, auto
from typing import Any
from uuid import UUID

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from psycopg.types.json import Json

from tests.ingest.harness import Harness, harness
from tests.ingest.test_batcher import Interference
from tests.support.postgres import Database
from tests.support.workspace import Sender
from tocsin.alerts.renewal import Renewal
from tocsin.ingest import known_alerts
from tocsin.ingest.known_alerts import KnownAlerts
from tocsin.ingest.received_webhook import TRUSTED, Accepted, Answer, Shown, Webhook
from tocsin.ingest.understand import understand
from tocsin.model import Action
from tocsin.store.pipe import PLANNER, Pipe
from tocsin.timers.alert_leases import lapse


class Forgetful(KnownAlerts):
    """So that every alert is read, and everything decided."""

    def renewal(self, webhooks: Any) -> Renewal | None:
        return None


@pytest.fixture
def opened(database: Database) -> Iterator[Harness]:
    with harness(database.url) as fresh:
        yield fresh


@pytest.fixture
def second(database: Database) -> Iterator[Harness]:
    """Another node, which knows what it has heard itself."""
    with harness(database.url) as fresh:
        yield fresh


@pytest.fixture
def slow(database: Database) -> Iterator[Harness]:
    with harness(database.url, known=Forgetful()) as fresh:
        yield fresh


@pytest.fixture
def interference(monkeypatch: pytest.MonkeyPatch) -> Interference:
    return Interference(monkeypatch)


@dataclass(frozen=True)
class Said:
    """One alert in a post; times in seconds from now."""

    name: str = "a"
    severity: str | None = "critical"
    words: str = "x"
    started: int | None = None
    ends: int | None = 240

    def document(self, opened: Harness) -> dict[str, Any]:
        document: dict[str, Any] = {
            "labels": {"alertname": self.name},
            "annotations": {"description": self.words},
        }
        if self.severity is not None:
            document["labels"]["severity"] = self.severity
        for name, seconds in (("startsAt", self.started), ("endsAt", self.ends)):
            if seconds is not None:
                document[name] = (opened.now + timedelta(seconds=seconds)).isoformat()
        return document


@dataclass(frozen=True)
class Post:
    alerts: tuple[Said, ...]
    origin: int = 0
    key: str | None = None


def post(opened: Harness, sender: Sender, *posts: Post) -> list[Answer]:
    """All in one batch."""
    return opened.commit([webhook(opened, sender, each) for each in posts])


def webhook(opened: Harness, sender: Sender, each: Post) -> Webhook:
    entry = opened.run(opened.senders.find(sender.id))
    assert entry is not None
    body = json.dumps([alert.document(opened) for alert in each.alerts]).encode()
    headers = {"content-type": "application/json"}
    if each.key is not None:
        headers["idempotency-key"] = each.key
    shown = Shown(proof=TRUSTED, origin=bytes([each.origin]) * 16)
    return understand(entry, headers, body, opened.now, shown=shown)


@dataclass
class Kept:
    """What the database holds of one sender, without its ids."""

    alerts: list[dict[str, Any]] = field(default_factory=list)
    leases: list[tuple[Any, ...]] = field(default_factory=list)
    events: list[tuple[Any, ...]] = field(default_factory=list)
    deliveries: list[dict[str, Any]] = field(default_factory=list)
    ends: list[tuple[Any, ...]] = field(default_factory=list)
    messages: list[tuple[Any, ...]] = field(default_factory=list)

    @classmethod
    def of(cls, opened: Harness, sender: Sender) -> Kept:
        alerts, sql = opened.workspace.alerts(sender), opened.workspace.sql
        places: dict[UUID | None, int] = {row["id"]: place for place, row in enumerate(alerts)}
        ids = list(places)
        kept = cls()
        for row in alerts:
            kept.alerts.append(
                {name: row[name] for name in row.keys() - {"id", "integration_id", "source"}}
            )
        for table, columns, into in (
            ("alert_leases", "sender, ends_at, lapses_at", kept.leases),
            ("alert_events", "kind, at, detail", kept.events),
            ("alert_deliveries", "event_type, status", kept.messages),
        ):
            order = "id" if table == "alert_events" else "alert_id, " + columns
            rows = sql(
                f"SELECT alert_id, {columns} FROM {table} WHERE alert_id = ANY(%s) ORDER BY {order}",
                ids,
            )
            into += [(places[alert_id], *rest) for alert_id, *rest in rows]
            into.sort(key=lambda row: row[0])
        for row in opened.workspace.deliveries(sender):
            names = ("outcome", "status_code", "flags", "error_message", "raw_payload", "headers")
            alert = None if row["alert_id"] is None else places[row["alert_id"]]
            kept.deliveries.append({**{name: row[name] for name in names}, "alert": alert})
        kept.ends = sql(
            "SELECT external_id, occurred_at, alert_resolved_at, expires_at, flaps FROM resolutions"
            " WHERE integration_id = %s ORDER BY external_id",
            sender.id,
        )
        return kept


@dataclass(frozen=True)
class Batch:
    """`node`: which of two hears of it."""

    posts: tuple[Post, ...]
    node: int = 0


class Upkeep(Enum):
    LAPSE = auto()
    """Leases that have run out end their alerts."""
    FORGET = auto()
    """What has ended is past its time."""
    RENAME = auto()
    """The configuration changes, and with it what nodes know of the sender."""


@dataclass
class Road:
    """Two nodes; or one, twice."""

    nodes: tuple[Harness, Harness]
    sender: Sender

    @property
    def first(self) -> Harness:
        return self.nodes[0]

    def at(self, now: datetime) -> None:
        for node in self.nodes:
            node.now = now

    def take(self, step: Any) -> Any:
        """What came of it."""
        first, sender = self.first, self.sender
        match step:
            case int():
                self.at(first.now + timedelta(seconds=step))
            case Action():
                until = first.now + timedelta(minutes=5) if step is Action.SNOOZE else None
                newest = first.workspace.alerts(sender)[-1:]
                return [type(first.act(row["id"], step, until)) for row in newest]
            case Upkeep.LAPSE:
                first.run(lapse_all(first))
            case Upkeep.FORGET:
                forget(first, sender)
            case Upkeep.RENAME:
                rename = "UPDATE integrations SET name = name || '+' WHERE id = %s"
                first.workspace.sql(rename, sender.id)
            case Batch():
                return plain(post(self.nodes[step.node], sender, *step.posts), first, sender)
        return None


async def lapse_all(opened: Harness) -> None:
    pipe = await Pipe.open(opened.workspace.url, options=PLANNER)
    try:
        while await lapse(pipe, opened.feed, opened.now):
            pass
    finally:
        await pipe.close()


def forget(opened: Harness, sender: Sender) -> None:
    ended = "integration_id = %s AND status IN ('RESOLVED', 'CLOSED')"
    for statement in (
        "DELETE FROM resolutions WHERE integration_id = %s",
        f"DELETE FROM alert_deliveries WHERE alert_id IN (SELECT id FROM alerts WHERE {ended})",
        f"DELETE FROM alerts WHERE {ended}",
    ):
        opened.workspace.sql(statement, sender.id)


def plain(answers: list[Answer], opened: Harness, sender: Sender) -> list[Any]:
    places = {row["id"].bytes: place for place, row in enumerate(opened.workspace.alerts(sender))}
    return [
        (answer.status, [(places.get(id), status) for id, status in answer.alerts], answer.reason)
        if isinstance(answer, Accepted)
        else answer
        for answer in answers
    ]


alerts = st.builds(
    Said,
    name=st.sampled_from("aab"),
    severity=st.sampled_from(["critical", "critical", "critical", "warning", None]),
    words=st.sampled_from("xxxy"),
    started=st.sampled_from([None, None, -600, -60, -1, 5]),
    ends=st.sampled_from([240, 240, 240, None, 30, 600, -1, -30]),
)
posts = st.builds(
    Post,
    alerts=st.lists(alerts, min_size=1, max_size=3).map(tuple),
    origin=st.sampled_from([0, 0, 1]),
    key=st.sampled_from([None, None, None, None, "k"]),
)
steps = st.one_of(
    st.builds(
        Batch,
        st.lists(posts, min_size=1, max_size=2).map(tuple),
        st.sampled_from([0, 0, 1]),
    ),
    st.sampled_from(
        [
            Action.ACKNOWLEDGE,
            Action.UNACKNOWLEDGE,
            Action.SNOOZE,
            Action.UNSNOOZE,
            Action.RESOLVE,
            Action.CLOSE,
            Action.REOPEN,
        ]
    ),
    st.sampled_from([1, 60, 1_000]),
    st.sampled_from(Upkeep),
)


@pytest.mark.parametrize(
    "examples",
    [12, pytest.param(600, marks=[pytest.mark.slow, pytest.mark.timeout(3_000)])],
    ids=["quick", "long"],
)
def test_both_roads_lead_to_the_same(
    opened: Harness, second: Harness, slow: Harness, examples: int
) -> None:
    opened.workspace.rule(event_types=["alerts.triggered", "alerts.resolved"])

    @given(st.lists(steps, min_size=4, max_size=14), st.booleans())
    @settings(
        max_examples=examples,
        deadline=None,
        # Making a failure small takes minutes: that is for the long run.
        phases=[phase for phase in Phase if phase is not Phase.shrink or examples > 100],
    )
    def check(story: list[Any], flaps: bool) -> None:
        flapping = {"flapping": Json(FLAPPING)} if flaps else {}
        roads = [
            Road(nodes, nodes[0].workspace.sender("prometheus", **flapping))
            for nodes in ((opened, second), (slow, slow))
        ]
        start = opened.now
        for road in roads:
            road.at(start)
        for step in story:
            one, other = [road.take(step) for road in roads]
            assert one == other
        kept, other = (Kept.of(road.first, road.sender) for road in roads)
        assert kept == other

    check()


FLAPPING = {
    "half_life_minutes": 15,
    "start": 3,
    "stop": 1,
    "quiet_minutes": 10,
    "longest_minutes": 240,
    "digest_minutes": 30,
}


def test_what_only_goes_on_is_not_read(opened: Harness, interference: Interference) -> None:
    sender = opened.workspace.sender("prometheus")
    batch = Post((Said("a"), Said("b"), Said("c")))
    post(opened, sender, batch)
    for count in (2, 3):
        opened.advance(60)
        interference.trips.clear()
        (answer,) = post(opened, sender, batch)
        assert isinstance(answer, Accepted)
        assert (answer.status, len(answer.alerts)) == ("updated", 3)
        first, last = interference.trips
        assert "renew_alerts" in first
        assert last == ["insert_webhook_deliveries", "commit"]
        rows = opened.workspace.alerts(sender)
        assert [row["occurrence_count"] for row in rows] == [count] * 3
        assert {row["last_received_at"] for row in rows} == {opened.now}
        ends = opened.workspace.sql("SELECT DISTINCT ends_at FROM alert_leases")
        assert ends == [(opened.now + timedelta(seconds=240),)]


def test_what_has_changed_beside_it_is_read_in_one_more_trip(
    opened: Harness, slow: Harness, interference: Interference
) -> None:
    """Another node has changed what this one knows."""
    sender = opened.workspace.sender("prometheus")
    post(opened, sender, Post((Said("a"), Said("b"), Said("c"))))
    slow.advance(10)
    post(slow, sender, Post((Said("a", ends=-1), Said("b", words="y"))))
    opened.advance(60)
    interference.trips.clear()
    (answer,) = post(opened, sender, Post((Said("a"), Said("b"), Said("c"))))
    assert isinstance(answer, Accepted)
    assert [status for _, status in answer.alerts] == ["created", "updated", "updated"]
    assert interference.trips[1] == ["read_alert_keys"]
    said = [(row["status"], row["description"]) for row in opened.workspace.alerts(sender)]
    assert said == [("RESOLVED", "x"), ("OPEN", "x"), ("OPEN", "x"), ("OPEN", "x")]
    # It knows them again now.
    interference.trips.clear()
    post(opened, sender, Post((Said("a"), Said("b"), Said("c"))))
    assert len(interference.trips) == 2


OF_ALERT = "UPDATE alerts SET {} WHERE integration_id = %s"
OF_LEASE = "UPDATE alert_leases SET {} FROM alerts WHERE id = alert_id AND integration_id = %s"
DRIFTED = {
    "severity": OF_ALERT.format("severity = 'LOW'"),
    "words": OF_ALERT.format("description = 'y', words_digest = NULL"),
    "acknowledged": OF_ALERT.format("status = 'ACKNOWLEDGED', acknowledged_at = updated_at"),
    "over": OF_ALERT.format("status = 'RESOLVED', resolved_at = updated_at"),
    "a newer signal": OF_ALERT.format("last_signal_at = last_signal_at + interval '1 hour'"),
    "heard of later": OF_ALERT.format("last_received_at = last_received_at + interval '1 hour'"),
    "a longer lease": OF_LEASE.format("ends_at = ends_at + interval '1 hour'"),
    "a lease that lapses later": OF_LEASE.format("lapses_at = lapses_at + interval '1 hour'"),
    "no lease": "DELETE FROM alert_leases USING alerts WHERE id = alert_id AND integration_id = %s",
}
"""What may have become of an alert since it was heard of last."""


def test_whatever_has_become_of_it_both_roads_lead_to_the_same(
    opened: Harness, slow: Harness
) -> None:
    for what, statement in DRIFTED.items():
        kept = []
        for road in (opened, slow):
            sender = road.workspace.sender("prometheus")
            post(road, sender, Post((Said(),)))
            road.workspace.sql(statement, sender.id)
            road.advance(60)
            answers = post(road, sender, Post((Said(),)))
            kept.append((plain(answers, road, sender), Kept.of(road, sender)))
        assert kept[0] == kept[1], what


AGAIN = {
    "said ahead of time": Post((Said(started=100),)),
    "said long ago": Post((Said(started=-600),)),
    "with a key": Post((Said(),), key="k"),
    "without a severity": Post((Said(severity=None),)),
    "without an end": Post((Said(ends=None),)),
    "twice in one": Post((Said(), Said())),
    "by another": Post((Said(),), origin=1),
}


def test_however_it_is_said_again_both_roads_lead_to_the_same(
    opened: Harness, slow: Harness
) -> None:
    for what, again in AGAIN.items():
        kept = []
        for road in (opened, slow):
            sender = road.workspace.sender("prometheus")
            answers = post(road, sender, Post((Said(),)))
            road.advance(20)
            for _ in range(2):
                answers += post(road, sender, again)
            kept.append((plain(answers, road, sender), Kept.of(road, sender)))
        assert kept[0] == kept[1], what


def test_what_is_known_is_bounded(opened: Harness, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(known_alerts, "REMEMBERED", 10)
    known = opened.batcher.known
    sender = opened.workspace.sender("prometheus")
    for number in range(40):
        post(opened, sender, Post((Said(f"n{number}"),)))
        assert len(known._known) <= 10
    post(opened, sender, Post(tuple(Said(f"n{number}") for number in range(40))))
    assert {row["occurrence_count"] for row in opened.workspace.alerts(sender)} == {2}
