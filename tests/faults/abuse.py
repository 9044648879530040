"""The worst that one workspace, or a stranger at its door, can do to a server: one class each."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from typing import Any

from psycopg.types.json import Json

from tests.support.workspace import Sender, Workspace

_numbers = count()
TRIGGERED = ["alerts.triggered"]


@dataclass(frozen=True)
class Post:
    path: str
    headers: dict[str, str]
    body: bytes


class Abuse:
    """`posts` are made beforehand, so that sending them costs next to nothing here."""

    def __init__(self, workspace: Workspace, sender: Sender) -> None:
        self.workspace = workspace
        self.sender = sender

    def _signed(self, body: bytes) -> Post:
        return Post(self.sender.path, self.sender.headers(body), body)

    def posts(self) -> Iterator[Post]:
        raise NotImplementedError


def _group(size: int, **labels: Any) -> bytes:
    run = next(_numbers)
    alerts = [
        {"status": "firing", "labels": {"alertname": f"{run}-{n}", **labels, "n": f"{run}-{n}"}}
        for n in range(size)
    ]
    return json.dumps({"alerts": alerts}).encode()


class CostlyRules(Abuse):
    """Rules full of slow expressions, and groups of alerts of which no two labels are alike."""

    RULES, PATTERNS, ALERTS, LENGTH = 50, 20, 200, 200

    def __init__(self, workspace: Workspace) -> None:
        super().__init__(workspace, workspace.sender("alertmanager"))
        for rule in range(self.RULES):
            # All of them match, so that all are asked.
            matchers = [
                {"label": "n", "op": "=~", "value": f"(a?){{50}}(a|b)*[0-9-]*|r{rule}p{number}"}
                for number in range(self.PATTERNS)
            ]
            workspace.rule(event_types=TRIGGERED, matchers=Json(matchers))

    def posts(self) -> Iterator[Post]:
        while True:
            run = next(_numbers)
            alerts = [
                {
                    "status": "firing",
                    "labels": {"alertname": "a", "n": "ab" * (self.LENGTH // 2) + f"{run}-{each}"},
                }
                for each in range(self.ALERTS)
            ]
            yield self._signed(json.dumps({"alerts": alerts}).encode())


class FewerCostlyRules(CostlyRules):
    """Enough to be over the budget, and done within seconds."""

    RULES, ALERTS = 5, 50


class ManyAlerts(Abuse):
    """Thousands of alerts in one webhook, each for several destinations."""

    def __init__(self, workspace: Workspace) -> None:
        super().__init__(workspace, workspace.sender("alertmanager"))
        for _ in range(5):
            workspace.rule(event_types=TRIGGERED)

    def posts(self) -> Iterator[Post]:
        while True:
            yield self._signed(_group(1_000))


class HugeLabels(Abuse):
    """As many and as long labels as are kept."""

    def __init__(self, workspace: Workspace) -> None:
        super().__init__(workspace, workspace.sender("alertmanager"))
        workspace.rule(event_types=TRIGGERED)

    def posts(self) -> Iterator[Post]:
        while True:
            yield self._signed(_group(2, **{f"label-{n}": "x" * 2_000 for n in range(200)}))


class GreedyMapping(Abuse):
    """A mapping that doubles what it works on with every step."""

    def __init__(self, workspace: Workspace) -> None:
        mapping = {"title": "@" + " | [@,@][]" * 20, "description": "join('', [@,@])"}
        super().__init__(workspace, workspace.sender(mapping=mapping))

    def posts(self) -> Iterator[Post]:
        while True:
            yield self._signed(json.dumps({"title": "T", "n": next(_numbers)}).encode())


class CostlyMapping(Abuse):
    """One that spends all that a mapping may, on a body that is not large."""

    def __init__(self, workspace: Workspace) -> None:
        search = "list[?contains(to_string(@), 'x')]"
        mapping = {"title": search, "metadata": search}
        super().__init__(workspace, workspace.sender(mapping=mapping))

    def posts(self) -> Iterator[Post]:
        while True:
            payload = {"title": "T", "n": next(_numbers), "list": list(range(4_000))}
            yield self._signed(json.dumps(payload).encode())


class EmptyLists(Abuse):
    """A mebibyte of nothing but brackets."""

    def __init__(self, workspace: Workspace) -> None:
        super().__init__(workspace, workspace.sender())

    def posts(self) -> Iterator[Post]:
        while True:
            yield self._signed(b"[" + b"[]," * 340_000 + b"%d]" % next(_numbers))


class Strangers(Abuse):
    """Wrong signatures under bodies as large as are kept."""

    def __init__(self, workspace: Workspace) -> None:
        known = workspace.sender()
        super().__init__(workspace, Sender(known.id, workspace.profile("generic", "guess", {})))

    def posts(self) -> Iterator[Post]:
        while True:
            yield self._signed(b"[" + b"1e308," * 10_000 + b"%d]" % next(_numbers))


class Previews(Abuse):
    """A viewer asks, without end, what a slow expression would have matched."""

    def __init__(self, workspace: Workspace) -> None:
        sender = workspace.sender()
        super().__init__(workspace, sender)
        workspace.sql(
            "INSERT INTO alerts (id, workspace_id, tenant_id, integration_id, title, severity,"
            " source, triggered_at, labels, last_received_at, last_signal_at)"
            " SELECT gen_random_uuid(), %s, %s, %s, 'T', 'HIGH', 's', now(),"
            " jsonb_build_object('n', repeat('ab', 100) || n), now(), now()"
            " FROM generate_series(1, 5000) AS n",
            workspace.id,
            workspace.tenant_id,
            sender.id,
        )
        self._key = workspace.api_key("viewer")

    def posts(self) -> Iterator[Post]:
        matchers = [
            {"label": "n", "op": "=~", "value": f"(a?){{50}}(a|b)*[0-9]*|p{number}"}
            for number in range(20)
        ]
        body = json.dumps({"matchers": matchers}).encode()
        headers = {"Authorization": f"Bearer {self._key}", "Content-Type": "application/json"}
        while True:
            yield Post("/api/v1/alert-rules/preview", headers, body)


WORST: tuple[type[Abuse], ...] = (
    CostlyRules,
    FewerCostlyRules,
    ManyAlerts,
    HugeLabels,
    GreedyMapping,
    CostlyMapping,
    EmptyLists,
    Strangers,
    Previews,
)
