"""Two server processes and many connections at once: still exactly one alert."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import cycle
from typing import Any

import pytest

from tests.faults.load import Load, Reply, at_once
from tests.support.node import Node
from tests.support.workspace import Sender, Workspace

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
MANY = 200

Rounds = pytest.mark.parametrize(
    "rounds",
    [2, pytest.param(25, marks=[pytest.mark.slow, pytest.mark.timeout(1_200)])],
    ids=["quick", "long"],
)


def at(minute: float) -> str:
    return (NOON + timedelta(minutes=minute)).isoformat()


async def volley(
    pair: list[Node], sender: Sender, payloads: list[Any], **headers: str
) -> list[Reply]:
    """All at once, to both nodes in turn."""

    urls = cycle(node.base_url for node in pair)
    async with Load() as load:
        return list(
            await at_once(
                load.webhook(next(urls), sender, payload, **headers) for payload in payloads
            )
        )


def deadlocks(workspace: Workspace) -> int:
    count: int = workspace.one(
        "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
    )
    return count


@Rounds
@pytest.mark.parametrize("identify", [True, False], ids=["with id", "without id"])
async def test_identical_webhooks_are_one_alert_that_each_answer_names(
    workspace: Workspace, pair: list[Node], rounds: int, identify: bool
) -> None:
    sender = workspace.sender()
    for number in range(rounds):
        payload: dict[str, Any] = {"title": "Disk full", "description": str(number)}
        if identify:
            payload["external_id"] = f"disk-{number}"
        answers = await volley(pair, sender, [payload] * MANY, Idempotency_Key=f"key-{number}")
        alert = workspace.alerts(sender)[-1]
        assert Counter((each.status, each.outcome) for each in answers) == {
            (201, "created"): 1,
            (200, "duplicate"): MANY - 1,
        }
        assert {each.document["alert_id"] for each in answers} == {str(alert["id"])}
        assert alert["occurrence_count"] == 1
        assert workspace.timeline(alert["id"]) == ["triggered"]
    assert len(workspace.alerts(sender)) == rounds
    rows = workspace.deliveries(sender)
    assert len(rows) == rounds * MANY
    assert {str(each.document["delivery_id"]) for each in answers} <= {str(r["id"]) for r in rows}
    firsts = {row["id"] for row in rows if row["outcome"] == "created"}
    assert {row["duplicate_of_id"] for row in rows if row["outcome"] == "duplicate"} == firsts


@Rounds
async def test_different_triggers_of_one_problem_are_one_alert(
    workspace: Workspace, pair: list[Node], rounds: int
) -> None:
    sender = workspace.sender()
    for number in range(rounds):
        trigger = {"title": "Disk full", "external_id": f"disk-{number}"}
        answers = await volley(pair, sender, [{**trigger, "n": n} for n in range(MANY)])
        alert = workspace.alerts(sender)[-1]
        assert Counter(each.outcome for each in answers) == {"created": 1, "updated": MANY - 1}
        assert {each.document["alert_id"] for each in answers} == {str(alert["id"])}
        assert alert["occurrence_count"] == MANY
        assert Counter(workspace.timeline(alert["id"])) == {"triggered": 1, "repeated": MANY - 1}
    assert len(workspace.alerts(sender)) == rounds


@Rounds
async def test_strangers_at_every_door(workspace: Workspace, pair: list[Node], rounds: int) -> None:
    """What they leave on record is trimmed by both nodes at once, and holds nobody up."""
    doors = [workspace.sender() for _ in range(3)]
    strangers = [Sender(door.id, workspace.profile("generic", "a guess", {})) for door in doors]
    for number in range(rounds):
        urls = cycle(node.base_url for node in pair)
        async with Load() as load:
            answers = list(
                await at_once(
                    load.webhook(next(urls), who, {"title": "T", "n": n + 1_000 * number})
                    for n in range(60)
                    for who in (*strangers, *doors)
                )
            )

        assert Counter(each.status for each in answers) == {401: 180, 201: 180}
    for door in doors:
        outcomes = Counter(row["outcome"] for row in workspace.deliveries(door))
        assert outcomes == {"created": 60 * rounds, "rejected": 3}
    assert deadlocks(workspace) == 0


@Rounds
async def test_where_the_resolve_is_newest_nothing_stays_open(
    workspace: Workspace, pair: list[Node], rounds: int
) -> None:
    sender = workspace.sender()
    for number in range(rounds):
        external_ids = [f"{number}-{n}" for n in range(60)]
        payloads = [
            payload
            for external_id in external_ids
            for payload in (
                {"title": "T", "external_id": external_id, "triggered_at": at(1)},
                {"title": "T", "external_id": external_id, "timestamp": at(3), "n": 2},
                {
                    "title": "T",
                    "external_id": external_id,
                    "status": "resolved",
                    "resolved_at": at(5),
                },
            )
        ]
        random.Random(number).shuffle(payloads)
        assert {each.status for each in await volley(pair, sender, payloads)} <= {200, 201}
    found = Counter((row["status"], row["external_id"]) for row in workspace.alerts(sender))
    assert {status for status, _ in found} == {"RESOLVED"}
    assert set(found.values()) == {1}
    assert len(found) == rounds * 60
    assert {row["occurrence_count"] for row in workspace.alerts(sender)} == {2}


@Rounds
async def test_a_storm_of_everything_from_everywhere(
    workspace: Workspace, pair: list[Node], rounds: int
) -> None:
    """Groups of alerts in any order, people in between, rules that notify: no deadlock, no
    error, and the totals agree."""
    _, destination_id = workspace.rule(event_types=["alerts.triggered", "alerts.resolved"])
    key = workspace.api_key("responder")
    chance = random.Random(7)

    def group() -> dict[str, Any]:
        return {
            "alerts": [
                {
                    "status": chance.choice(["firing", "firing", "resolved"]),
                    "labels": {
                        "alertname": f"a{chance.randrange(12)}",
                        "severity": chance.choice(["critical", "warning", "info"]),
                    },
                    "annotations": {"n": str(chance.random())},
                }
                for _ in range(chance.randrange(1, 9))
            ]
        }

    sender = workspace.sender("alertmanager")
    async with Load() as load:

        async def person(url: str) -> Reply:
            newest = workspace.sql(
                "SELECT id FROM alerts WHERE integration_id = %s ORDER BY id DESC LIMIT 20",
                sender.id,
            )
            if not newest:
                return Reply(200, {"status": "none"})
            action = chance.choice(["acknowledge", "resolve", "reopen", "close"])
            return await load.act(url, key, chance.choice(newest)[0], action)

        urls = cycle(node.base_url for node in pair)
        work: list[Callable[[], Any]] = []
        for number in range(rounds * 150):
            url = next(urls)
            work.append(
                partial(load.webhook, url, sender, group()) if number % 5 else partial(person, url)
            )
        answers = list(await at_once((each() for each in work), at_most=60))

    assert {each.status for each in answers} <= {200, 201, 409}, [n.errors() for n in pair]
    assert deadlocks(workspace) == 0
    check_totals(workspace, sender, answers)
    workspace.sql("UPDATE alert_rules SET deleted_at = now(), is_enabled = false")
    planned = workspace.sql(
        "SELECT alert_id, count(*) FILTER (WHERE event_type = 'alerts.triggered')"
        " FROM alert_deliveries WHERE alert_destination_id = %s GROUP BY 1",
        destination_id,
    )
    made = {row["id"] for row in workspace.alerts(sender)}
    # Born resolved, its resolve having come first: outcomes to nobody, unless a person reopens it.
    ended = workspace.sql("SELECT alert_id FROM alert_events WHERE detail ? 'arrived'")
    # The first trigger of each was planned exactly once; a person's reopening notifies again.
    for alert_id, triggers in planned:
        reopened = workspace.timeline(alert_id).count("reopened")
        assert 1 <= triggers <= 1 + reopened
    assert (
        made - {alert_id for (alert_id,) in ended} <= {alert_id for alert_id, _ in planned} <= made
    )


def check_totals(workspace: Workspace, sender: Sender, answers: list[Reply]) -> None:
    """Answers, alerts and timelines agree."""
    outcomes = Counter(
        (each["alert_id"], each["status"])
        for answer in answers
        for each in answer.document.get("alerts", ())
    )
    alerts = workspace.alerts(sender)
    assert Counter(status for _, status in outcomes)["created"] == len(alerts)
    live = Counter(r["external_id"] for r in alerts if r["status"] in ("OPEN", "ACKNOWLEDGED"))
    assert max(live.values(), default=0) <= 1
    for row in alerts:
        kinds = Counter(workspace.timeline(row["id"]))
        assert kinds["triggered"] == 1
        late = workspace.one(
            "SELECT count(*) FROM alert_events WHERE alert_id = %s AND detail->>'signal' = %s",
            row["id"],
            "trigger",
        )
        assert row["occurrence_count"] == 1 + kinds["repeated"] + late
        ended = kinds["resolved"] - kinds["reopened"]
        if row["status"] == "RESOLVED":
            assert ended == 1
        elif row["status"] in ("OPEN", "ACKNOWLEDGED"):
            assert ended == 0
