"""What one workspace sends, and what its rules ask, is paid for by that workspace."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from psycopg.types.json import Json

from tests.ingest.harness import Harness, Posted, harness
from tests.support.postgres import Database
from tests.support.workspace import Sender, Workspace
from tocsin.alerts import matching_budgets
from tocsin.alerts.actions import Acted
from tocsin.ingest import batcher as batching
from tocsin.ingest import lanes as lanes_module
from tocsin.ingest.lanes import HEAVY_BYTES
from tocsin.ingest.received_webhook import Accepted, Answer
from tocsin.ingest.refusals import OVERLOADED
from tocsin.model import Action, WebhookStatus

COSTLY = {"label": "path", "op": "=~", "value": "(a?){500}a{500}a*"}
"""Against 2,000 letters, three times what a transaction may spend."""
LONG = "a" * 2_000


@pytest.fixture
def opened(database: Database) -> Iterator[Harness]:
    with harness(database.url) as fresh:
        yield fresh


@pytest.fixture
def neighbour(opened: Harness) -> Workspace:
    return opened.workspace.other_workspace("neighbour")


def costly(workspace: Workspace, *matchers: dict[str, str]) -> Sender:
    workspace.rule(
        event_types=["alerts.triggered", "alerts.resolved"],
        matchers=Json(list(matchers or (COSTLY,))),
    )
    return workspace.sender()


def posted(number: int, **fields: Any) -> Posted:
    labels = {"path": LONG[number:]}
    return Posted({"title": "T", "external_id": f"e-{number}", "labels": labels, **fields})


class Gate:
    """Stands before what is matched in a thread."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.passed = 0
        self.opened: asyncio.Event | None = None
        self.reached = asyncio.Event()
        work_aside = matching_budgets.aside

        async def held(work: Any) -> None:
            self.reached.set()
            if self.opened is not None:
                await self.opened.wait()
            await work_aside(work)
            self.passed += 1

        monkeypatch.setattr(matching_budgets, "aside", held)


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> Gate:
    return Gate(monkeypatch)


def flags(workspace: Workspace, sender: Sender) -> list[list[str]]:
    return [row["flags"] for row in workspace.deliveries(sender)]


def statuses(answers: list[Answer]) -> list[WebhookStatus]:
    assert all(isinstance(answer, Accepted) for answer in answers), answers
    return [answer.status for answer in answers if isinstance(answer, Accepted)]


def test_what_costs_more_than_its_budget_is_planned_all_the_same_and_flagged(
    opened: Harness, neighbour: Workspace, gate: Gate
) -> None:
    sender, other = costly(opened.workspace), neighbour.sender()
    no_letters = posted(2)
    no_letters.payload["labels"] = {"path": "-" * 2_000}
    answers = opened.commit(
        [
            opened.webhook(sender, posted(1)),
            opened.webhook(other, posted(3)),
            opened.webhook(sender, no_letters),
        ]
    )
    assert statuses(answers) == [WebhookStatus.CREATED] * 3
    assert flags(opened.workspace, sender) == [["rule_budget"]] * 2
    assert flags(neighbour, other) == [[]]
    notified = opened.workspace.sql("SELECT alert_id FROM alert_deliveries")
    matching, *_ = opened.workspace.alerts(sender)
    assert notified == [(matching["id"],)]
    assert gate.passed == 2


def test_neighbours_do_not_wait_and_nothing_of_the_same_workspace_overtakes(
    opened: Harness, neighbour: Workspace, gate: Gate
) -> None:
    sender, other = costly(opened.workspace), neighbour.sender()
    first = opened.webhook(sender, posted(1))
    plain = opened.webhook(sender, Posted({"title": "T", "external_id": "plain"}))
    end = opened.webhook(sender, posted(1, status="resolved"))
    theirs = [opened.webhook(other, posted(number)) for number in range(3)]

    async def main() -> list[Answer]:
        gate.opened = asyncio.Event()
        started = [asyncio.create_task(opened.batcher.submit(each)) for each in (first, plain)]
        answers = list(await asyncio.gather(*(opened.batcher.submit(each) for each in theirs)))
        # No moment at which the alert is there and its notifications are not.
        assert opened.workspace.alerts(sender) == []
        started.append(asyncio.create_task(opened.batcher.submit(end)))
        await asyncio.sleep(0)
        assert not any(each.done() for each in started)
        gate.opened.set()
        return answers + list(await asyncio.gather(*started))

    answers = statuses(opened.run(main()))
    assert answers == [WebhookStatus.CREATED] * 5 + [WebhookStatus.RESOLVED]
    triggered, _ = opened.workspace.alerts(sender)
    assert opened.workspace.timeline(triggered["id"]) == ["triggered", "resolved"]
    assert opened.workspace.one("SELECT count(*) FROM alert_deliveries") == 2


def test_many_that_are_too_much_together_and_not_one_by_one_are_not_flagged(
    opened: Harness, gate: Gate
) -> None:
    # Some 0.4 of what may be spent, each.
    sender = costly(opened.workspace, {**COSTLY, "value": "(a?){70}a{70}a*"})
    answers = opened.commit([opened.webhook(sender, posted(number)) for number in range(20)])
    assert statuses(answers) == [WebhookStatus.CREATED] * 20
    assert flags(opened.workspace, sender) == [[]] * 20
    assert gate.passed == 0


def test_many_rules_without_expressions_are_paid_for_too(opened: Harness, gate: Gate) -> None:
    for number in range(40):
        matcher = {"label": f"label-{number}", "op": "!=", "value": "x"}
        opened.workspace.rule(event_types=["alerts.triggered"], matchers=Json([matcher]))
    sender = opened.workspace.sender("alertmanager")
    opened.post(sender, group(1, 200))
    assert flags(opened.workspace, sender) == [["rule_budget"]]
    assert opened.workspace.one("SELECT count(*) FROM alert_deliveries") == 200 * 40
    assert gate.passed == 1


def test_silences_are_paid_for_too(opened: Harness, gate: Gate) -> None:
    opened.workspace.rule(event_types=["alerts.triggered"])
    opened.workspace.insert(
        "silences",
        id="01900000-0000-7000-8000-000000000001",
        workspace_id=opened.workspace.id,
        matchers=Json([COSTLY]),
        starts_at=opened.now,
        ends_at=opened.now.replace(year=2027),
        author="ana",
        comment="",
    )
    sender = opened.workspace.sender()
    opened.post(sender, posted(1))
    assert flags(opened.workspace, sender) == [["rule_budget"]]
    reasons = opened.workspace.sql("SELECT status, reason FROM alert_deliveries")
    assert reasons == [("deferred", "silence")]


def test_people_pay_for_their_rules_apart_as_well(opened: Harness, gate: Gate) -> None:
    sender = costly(opened.workspace)
    opened.post(sender, posted(1))
    (alert,) = opened.workspace.alerts(sender)
    assert isinstance(opened.act(alert["id"], Action.RESOLVE), Acted)
    assert gate.passed == 2
    assert opened.workspace.one("SELECT count(*) FROM alert_deliveries") == 2


def group(number: int, size: int) -> Posted:
    alerts = [
        {"status": "firing", "labels": {"alertname": f"a-{number}-{each}"}} for each in range(size)
    ]
    return Posted({"alerts": alerts})


@pytest.mark.parametrize(
    "heavy",
    [group(1, 101), Posted({"alerts": [], "padding": "x" * HEAVY_BYTES})],
    ids=["many alerts", "many bytes"],
)
def test_what_is_heavy_is_committed_apart_with_what_came_before_it(
    opened: Harness,
    neighbour: Workspace,
    monkeypatch: pytest.MonkeyPatch,
    heavy: Posted,
) -> None:
    seen: list[set[Any]] = []
    commit = batching.commit_webhooks

    async def watched(pipe: Any, senders: Any, webhooks: list[Any], **options: Any) -> Any:
        seen.append({webhook.sender.entry.workspace_id for webhook in webhooks})
        return await commit(pipe, senders, webhooks, **options)

    monkeypatch.setattr(batching, "commit_webhooks", watched)
    sender, other = opened.workspace.sender("alertmanager"), neighbour.sender()
    before, after = (opened.webhook(sender, group(number, 1)) for number in (2, 3))
    heavier, theirs = opened.webhook(sender, heavy), opened.webhook(other, posted(1))
    answers = opened.commit([before, theirs, heavier, after])
    assert all(answer.status_code < 300 for answer in answers)
    assert {opened.workspace.id, neighbour.id} not in seen


def watched(monkeypatch: pytest.MonkeyPatch) -> list[list[Any]]:
    """The integrations of each transaction from now on."""
    seen: list[list[Any]] = []
    commit = batching.commit_webhooks

    async def noting(pipe: Any, senders: Any, webhooks: list[Any], **options: Any) -> Any:
        seen.append([webhook.sender.id for webhook in webhooks])
        return await commit(pipe, senders, webhooks, **options)

    monkeypatch.setattr(batching, "commit_webhooks", noting)
    return seen


def test_other_integrations_of_its_workspace_do_not_wait_for_what_is_heavy(
    opened: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = watched(monkeypatch)
    sender, other = opened.workspace.sender("alertmanager"), opened.workspace.sender()
    heavy = [opened.webhook(sender, group(1 + 200 * number, 101)) for number in range(3)]
    small = opened.webhook(sender, group(900, 1))
    light = [opened.webhook(other, posted(number)) for number in range(3)]
    answers = opened.commit([heavy[0], light[0], heavy[1], light[1], small, heavy[2], light[2]])
    assert all(answer.status_code == 201 for answer in answers)
    assert not any({sender.id, other.id} <= set(each) for each in seen)
    assert sum(each.count(sender.id) for each in seen) == 4


def test_what_is_heavy_does_not_overtake_what_is_in_flight(
    opened: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[int] = []
    commit = batching.commit_webhooks
    sender, other = opened.workspace.sender("alertmanager"), opened.workspace.sender("alertmanager")
    # A lane that is there already.
    opened.commit([opened.webhook(other, group(500, 101))])
    first = [opened.webhook(sender, group(number, 1)) for number in range(3)]
    heavy, after = opened.webhook(sender, group(100, 101)), opened.webhook(sender, group(300, 1))

    async def slow(pipe: Any, senders: Any, webhooks: list[Any], **options: Any) -> Any:
        if webhooks[0] is first[0]:
            await asyncio.sleep(0.2)
        found = await commit(pipe, senders, webhooks, **options)
        done.extend(id(webhook) for webhook in webhooks)
        return found

    monkeypatch.setattr(batching, "commit_webhooks", slow)

    async def main() -> None:
        tasks = []
        for each in (*first, heavy, after):
            tasks.append(asyncio.create_task(opened.batcher.submit(each)))
            await asyncio.sleep(0.01)
        await asyncio.gather(*tasks)

    opened.run(main())
    assert done == [id(each) for each in (*first, heavy, after)]


def test_a_workspace_whose_rules_cost_too_much_is_apart_with_all_that_it_has(
    opened: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    sender = costly(opened.workspace)
    other = opened.webhook(opened.workspace.sender(), Posted({"title": "T"}))
    opened.post(sender, posted(1))

    async def is_apart() -> bool:
        return opened.batcher._known(other.sender) is not None

    assert opened.run(is_apart())
    monkeypatch.setattr(opened.batcher._apart[opened.workspace.id], "whole_until", 0.1)
    assert not opened.run(is_apart())


def test_a_lane_ends_when_there_is_no_reason_for_it_any_more(
    opened: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batching, "STAY_SECONDS", 0.05)
    sender = costly(opened.workspace)
    opened.post(sender, posted(1))
    assert flags(opened.workspace, sender) == [["rule_budget"]]

    async def until_it_ends() -> None:
        await asyncio.gather(*opened.batcher._tasks)

    opened.run(until_it_ends())
    assert statuses(opened.post(sender, Posted({"title": "T"}))) == [WebhookStatus.CREATED]
    assert not opened.batcher._apart


def test_the_flood_of_one_workspace_apart_takes_no_more_than_its_share(
    opened: Harness, neighbour: Workspace, gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    sender, other = costly(opened.workspace), neighbour.sender()
    batch = [opened.webhook(sender, posted(number)) for number in range(8)]
    opened.batcher.body_bytes = 4 * lanes_module.SHARE * len(batch[0].body)
    theirs = opened.webhook(other, posted(9))

    async def main() -> tuple[Answer, list[Answer]]:
        gate.opened = asyncio.Event()
        first = asyncio.create_task(opened.batcher.submit(batch[0]))
        await gate.reached.wait()
        flood = [asyncio.create_task(opened.batcher.submit(each)) for each in batch[1:]]
        neighbours = await opened.batcher.submit(theirs)
        gate.opened.set()
        return neighbours, [await first, *(await asyncio.gather(*flood))]

    neighbours, flood = opened.run(main())
    assert neighbours.status_code == 201
    assert [answer is OVERLOADED for answer in flood] == [False] * 5 + [True] * 3


def test_what_cannot_be_planned_before_the_end_is_to_be_sent_again(
    database: Database, gate: Gate
) -> None:
    with harness(database.url) as ending:
        sender = costly(ending.workspace)
        one, two = (ending.webhook(sender, posted(number)) for number in range(2))

        async def main() -> list[Answer]:
            gate.opened = asyncio.Event()
            waiting = [asyncio.create_task(ending.batcher.submit(each)) for each in (one, two)]
            await gate.reached.wait()
            ending.batcher.close()
            gate.opened.set()
            return list(await asyncio.gather(*waiting))

        first, second = ending.run(main())
        assert first.status_code == 201
        assert second is OVERLOADED
        assert len(ending.workspace.alerts(sender)) == 1
