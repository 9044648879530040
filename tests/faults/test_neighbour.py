"""One workspace's worst against another's webhooks: the neighbour is served as before.

The quick runs state what comes before what. The long one measures the neighbour's p99 with and without,
and prints it (`make test-faults`); the figures stand in docs/operations/security.md.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Iterator
from itertools import count, islice
from statistics import median

import aiohttp
import pytest

from tests.faults.abuse import WORST, Abuse, CostlyRules, EmptyLists, FewerCostlyRules, Post
from tests.faults.load import Load
from tests.faults.pulse import Pulse, pulse
from tests.support.node import PATIENCE, Node, nodes
from tests.support.postgres import Database, Server
from tests.support.workspace import Sender, Workspace

PER_SECOND = 50
CONNECTIONS = 2
"""Of who abuses; each sends again as soon as it is answered."""

_numbers = count()


@pytest.fixture
def database(postgres_server: Server) -> Iterator[Database]:
    with postgres_server.database() as fresh:
        yield fresh


@pytest.fixture
def workspace(database: Database) -> Workspace:
    return Workspace(database.url)


@pytest.fixture
def node(workspace: Workspace) -> Iterator[Node]:
    with nodes(workspace.url, log_level="warning") as (only,):
        yield only


async def greeting(load: Load, node: Node, sender: Sender) -> None:
    """One webhook of the neighbour's, which is taken."""
    payload = {"title": "T", "external_id": f"n-{next(_numbers)}", "labels": {"team": "db"}}
    reply = await load.webhook(node.base_url, sender, payload)
    assert (reply.status, reply.outcome) == (201, "created")


async def test_a_neighbour_is_answered_while_rules_are_being_asked(
    workspace: Workspace, node: Node
) -> None:
    """Fifty costly rules take tens of seconds for one webhook; a neighbour's twenty come first."""
    hostile = CostlyRules(workspace.other_workspace("hostile"))
    workspace.rule(event_types=["alerts.triggered"])
    sender = workspace.sender()
    async with Load() as load:
        await greeting(load, node, sender)
        (post,) = islice(hostile.posts(), 1)
        asked = asyncio.create_task(send(load.session, node, post))
        # Its first attempt is over when the log says so.
        async with asyncio.timeout(PATIENCE):
            while "ingest.rule_budget" not in node.errors():  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        for _ in range(20):
            await greeting(load, node, sender)
        assert not asked.done()
        assert hostile.workspace.alerts(hostile.sender) == []
        asked.cancel()
    assert len(workspace.alerts(sender)) == 21


async def test_what_was_over_the_budget_is_notified_whole(workspace: Workspace, node: Node) -> None:
    hostile = FewerCostlyRules(workspace.other_workspace("hostile"))
    async with Load() as load:
        posts = list(islice(hostile.posts(), 2))
        assert (
            await asyncio.gather(*(send(load.session, node, each) for each in posts)) == [201] * 2
        )
    rows = hostile.workspace.deliveries(hostile.sender)
    assert [row["flags"] for row in rows] == [["rule_budget"]] * 2
    alerts = len(hostile.workspace.alerts(hostile.sender))
    assert alerts == 2 * hostile.ALERTS
    pending = hostile.workspace.one("SELECT count(*) FROM alert_deliveries")
    assert pending == alerts * hostile.RULES


@pytest.mark.parametrize("abuse", WORST)
async def test_nobody_else_is_refused(workspace: Workspace, node: Node, abuse: type[Abuse]) -> None:
    hostile = abuse(workspace.other_workspace("hostile"))
    sender = workspace.sender()
    async with Load() as load, abused(load.session, node, hostile) as statuses:
        for _ in range(20):
            await greeting(load, node, sender)
    assert statuses[500] == 0


HELD_UP_SECONDS = 2.0
"""A shared machine may take a process off for that long; it was 9 s."""


async def test_large_bodies_do_not_hold_up_health(workspace: Workspace, node: Node) -> None:
    alone, beside = await paused(workspace, node, rounds=1)
    assert beside.worst < HELD_UP_SECONDS + alone.worst


@pytest.mark.slow
@pytest.mark.timeout(600)
async def test_the_worst_pause_of_health(
    workspace: Workspace, node: Node, capsys: pytest.CaptureFixture[str]
) -> None:
    alone, beside = await paused(workspace, node, rounds=7)
    with capsys.disabled():
        print(
            f"\n/healthz alone: p99 {alone.p99 * 1e3:.1f} ms, worst {alone.worst * 1e3:.1f} ms;"
            f" beside {PARALLEL} bodies of a mebibyte at once:"
            f" p99 {beside.p99 * 1e3:.1f} ms, worst {beside.worst * 1e3:.1f} ms"
        )


PARALLEL = 60


async def paused(workspace: Workspace, node: Node, *, rounds: int) -> tuple[Pulse, Pulse]:
    """Alone, and beside sixty bodies of nothing but brackets, so many times."""
    hostile = EmptyLists(workspace)
    async with Load() as load:
        await greeting(load, node, workspace.sender())
        with pulse(node.port) as alone:
            await asyncio.sleep(rounds)
        for_each = [list(islice(hostile.posts(), PARALLEL)) for _ in range(rounds)]
        with pulse(node.port) as beside:
            for posts in for_each:
                statuses = await asyncio.gather(*(send(load.session, node, p) for p in posts))
                # Refused for what they are, or for there being no room for so many.
                assert set(statuses) <= {400, 503}
    return alone, beside


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("abuse", WORST)
async def test_a_neighbours_p99_by_what_another_does(
    workspace: Workspace, node: Node, capsys: pytest.CaptureFixture[str], abuse: type[Abuse]
) -> None:
    """No limit is asserted, since the machine decides; twice the p99 is what is aimed at. Of seven
    rounds, alone and beside in turn, the medians count."""
    workspace.rule(event_types=["alerts.triggered"])
    sender = workspace.sender()
    hostile = abuse(workspace.other_workspace("hostile"))
    alone: list[float] = []
    beside: list[float] = []
    statuses: Counter[int] = Counter()
    async with Load() as load:
        await latencies(load, node, sender, 2)
        for _ in range(7):
            alone.append(p99(await latencies(load, node, sender, 4)))
            async with abused(load.session, node, hostile) as answered:
                beside.append(p99(await latencies(load, node, sender, 4)))
            statuses += answered
    before, after = median(alone), median(beside)
    with capsys.disabled():
        print(
            f"\n{abuse.__name__}: a neighbour's p99 alone {before * 1e3:.1f} ms,"
            f" beside {after * 1e3:.1f} ms, ×{after / before:.1f}; answered {dict(statuses)}"
        )


async def latencies(load: Load, node: Node, sender: Sender, seconds: float) -> list[float]:
    """Of webhooks at a fixed rate, each from when it was due."""
    began = time.perf_counter()

    async def one(due: float) -> float:
        await asyncio.sleep(due - time.perf_counter())
        await greeting(load, node, sender)
        return time.perf_counter() - due

    dues = [began + number / PER_SECOND for number in range(int(seconds * PER_SECOND))]
    return list(await asyncio.gather(*map(one, dues)))


def p99(seconds: list[float]) -> float:
    return sorted(seconds)[int(len(seconds) * 0.99)]


class abused:
    """For as long as it lasts, somebody abuses the server; the statuses that they were answered."""

    def __init__(self, session: aiohttp.ClientSession, node: Node, abuse: Abuse) -> None:
        self._session, self._node = session, node
        # Made beforehand: to make them is no small work.
        self._posts = list(islice(abuse.posts(), 30))
        self._statuses: Counter[int] = Counter()
        self._tasks: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Counter[int]:
        self._tasks = [asyncio.create_task(self._send(n)) for n in range(CONNECTIONS)]
        await asyncio.sleep(0.2)
        return self._statuses

    async def __aexit__(self, *_: object) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _send(self, first: int) -> None:
        for post in self._posts[first::CONNECTIONS]:
            self._statuses[await send(self._session, self._node, post)] += 1


async def send(session: aiohttp.ClientSession, node: Node, post: Post) -> int:
    async with session.post(
        node.base_url + post.path, data=post.body, headers=post.headers
    ) as response:
        await response.read()
        return response.status
