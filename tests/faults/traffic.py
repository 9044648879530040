"""Senders that repeat each webhook until it is answered 2xx, as real ones do, and what must be there in
the end."""

from __future__ import annotations

import random
import threading
from collections import Counter
from collections.abc import Sequence
from typing import Any
from uuid import UUID, uuid4

from tests.support.node import Client, eventually
from tests.support.workspace import Sender, Workspace

SENDERS = 6
PAUSE_SECONDS = 0.05
JOIN_SECONDS = 90.0


class Traffic:
    """`base_urls`: nodes, of which each try takes any."""

    def __init__(self, base_urls: Sequence[str], sender: Sender, senders: int = SENDERS) -> None:
        self.base_urls, self.sender = base_urls, sender
        self.answered: dict[str, list[dict[str, Any]]] = {}
        self.statuses: Counter[int] = Counter()
        self._ends = threading.Event()
        self._threads = [threading.Thread(target=self._send) for _ in range(senders)]
        for thread in self._threads:
            thread.start()

    @property
    def refused(self) -> set[int]:
        return {*self.statuses} - {200, 201, 202}

    def _send(self) -> None:
        clients = [Client(base_url) for base_url in self.base_urls]
        while not self._ends.is_set():
            name = uuid4().hex
            payload = {"title": name}
            if random.random() < 0.5:
                payload["external_id"] = name
            while not self._ends.is_set():
                try:
                    answer = random.choice(clients).send(self.sender, payload, Idempotency_Key=name)
                except OSError:
                    self._ends.wait(PAUSE_SECONDS)
                    continue
                except Exception:  # an answer that was cut off
                    continue
                self.statuses[answer.status] += 1
                if answer.status in (200, 201, 202):
                    self.answered.setdefault(name, []).append(answer.json())
                    # Some senders are never sure.
                    if random.random() > 0.1:
                        break
                else:
                    self._ends.wait(PAUSE_SECONDS)
        for client in clients:
            client.close()

    def is_answered(self, status: int, times: int) -> None:
        """Wait until so many more have been answered so."""
        enough = self.statuses[status] + times
        eventually(lambda: self.statuses[status] >= enough, f"{status} is answered")

    def goes_on(self) -> None:
        """Wait until more webhooks have been answered."""
        before = len(self.answered)
        more = 2 * len(self._threads)
        eventually(lambda: len(self.answered) > before + more, "webhooks are answered")

    def end(self) -> None:
        self._ends.set()
        for thread in self._threads:
            thread.join(JOIN_SECONDS)
            assert not thread.is_alive()


def check_once(workspace: Workspace, traffic: Traffic) -> None:
    """Whatever was answered 2xx is there, once, with its messages; and so is whatever was cut off
    before its answer."""
    with workspace.connection() as connection:
        alerts: dict[str, list[UUID]] = {}
        for alert_id, title in connection.execute("SELECT id, title FROM alerts"):
            alerts.setdefault(title, []).append(alert_id)
        deliveries = dict(connection.execute("SELECT id, outcome FROM webhook_deliveries"))
        planned = [row[0] for row in connection.execute("SELECT alert_id FROM alert_deliveries")]
        timelines = [row[0] for row in connection.execute("SELECT alert_id FROM alert_events")]
    for name, answers in traffic.answered.items():
        # Exactly once, and every answer that could name it did.
        (alert_id,) = alerts[name]
        assert {each["alert_id"] for each in answers} <= {str(alert_id), None}
        for answer in answers:
            became = deliveries[UUID(answer["delivery_id"])]
            if answer["status"] == "spooled":
                assert became in ("created", "duplicate")
            else:
                assert (became, answer["alert_id"]) == (answer["status"], str(alert_id))
    made = sorted(alert_id for ids in alerts.values() for alert_id in ids)
    assert len(made) == len(alerts)
    assert sorted(planned) == made
    assert sorted(timelines) == made
    assert traffic.refused <= {503}
