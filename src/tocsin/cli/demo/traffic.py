"""The seven tools of the demo: realistic webhooks over HTTP, signed as each tool signs.

Every alert is triggered, some are repeated, acknowledged and resolved, as in life; now and then
somebody sends with a wrong secret.
"""

from __future__ import annotations

import http.client
import json
import random
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from tocsin.cli.demo.board import Arrival, Board
from tocsin.cli.demo.stage import CACHE_TEAM
from tocsin.cli.kit.signing import SignedSender
from tocsin.ingest.proof.scheme import LiveSecret
from tocsin.ingest.sources.registry import SOURCES
from tocsin.ingest.sources.samples import kinds, sample
from tocsin.model import Secret, iso, utc_now, uuid7

_FIRST = 9
"""The first number of a sample: it is the checkout that fails, which concerns everybody."""
_OPENING_SECONDS = 0.45
_PACE_SECONDS = (1.2, 2.6)
_MOST_LIVE = 14
_STORM_AFTER_SECONDS = 12.0
_STORM_ALERTS = 40
_TIMEOUT_SECONDS = 10.0


@dataclass
class Outage:
    """Something that goes on going wrong at one tool."""

    tool: str
    n: int
    started_at: datetime
    acknowledged: bool = False
    last: tuple[dict[str, str], bytes] | None = None


@dataclass
class Traffic:
    """Sends until `stop` is set. One thread, one connection."""

    senders: Mapping[str, SignedSender]
    host: str
    port: int
    api_key: str
    board: Board
    stop: threading.Event
    dice: random.Random = field(default_factory=random.Random)
    _live: list[Outage] = field(default_factory=list)
    _next: int = _FIRST
    _connection: http.client.HTTPConnection | None = None

    def run(self) -> None:
        try:
            for tool in self.senders:
                self._trigger(tool)
                if self.stop.wait(_OPENING_SECONDS):
                    return
            storm_at = time.monotonic() + _STORM_AFTER_SECONDS
            while not self.stop.is_set():
                if time.monotonic() >= storm_at:
                    self._storm()
                    storm_at = float("inf")
                self._something()
                self.stop.wait(self.dice.uniform(*_PACE_SECONDS))
        finally:
            if self._connection is not None:
                self._connection.close()

    def _something(self) -> None:
        """What happens next; the more goes on, the likelier something ends."""
        acknowledgeable = [
            each
            for each in self._live
            if not each.acknowledged and "acknowledge" in kinds(self.senders[each.tool].type)
        ]
        chances = {
            "trigger": 0.0 if len(self._live) >= _MOST_LIVE else 5.0,
            "repeat": 1.5,
            "resend": 1.5,
            "acknowledge": 1.5 if acknowledgeable else 0.0,
            "resolve": len(self._live) / 3,
            "forge": 0.6,
        }
        match self.dice.choices(list(chances), list(chances.values()))[0]:
            case "trigger":
                self._trigger(self.dice.choice(list(self.senders)))
            case "repeat" if self._live:
                self._send(self.dice.choice(self._live), "trigger")
            case "resend" if self._live:
                outage = self.dice.choice(self._live)
                if outage.last is not None:
                    self._post(outage.tool, *outage.last)
            case "acknowledge":
                outage = self.dice.choice(acknowledgeable)
                outage.acknowledged = True
                self._send(outage, "acknowledge")
            case "resolve" if self._live:
                outage = self.dice.choice(self._live)
                self._live.remove(outage)
                self._send(outage, "resolve")
            case "forge":
                self._forge(self.dice.choice(list(self.senders)))

    def _storm(self) -> None:
        """The cache loses its nodes, all at once: more than a channel takes one by one."""
        for node in range(1, _STORM_ALERTS + 1):
            if self.stop.is_set():
                return
            alert = {
                "title": f"Cache node {node} left the ring",
                "external_id": f"cache-{node}",
                "severity": "MEDIUM",
                "labels": {"team": CACHE_TEAM},
            }
            body = json.dumps(alert).encode()
            self._post("generic", {"Content-Type": "application/json"}, body)

    def _trigger(self, tool: str) -> None:
        outage = Outage(tool, self._next, utc_now())
        self._next += 1
        self._live.append(outage)
        self._send(outage, "trigger")

    def _send(self, outage: Outage, kind: str) -> None:
        headers, body = sample(
            self.senders[outage.tool].type,
            kind,
            n=outage.n,
            now=utc_now(),
            started_at=outage.started_at,
        )
        outage.last = (headers, body)
        self._post(outage.tool, headers, body)

    def _forge(self, tool: str) -> None:
        """Somebody who does not know the secret."""
        sender = self.senders[tool]
        assert sender.profile is not None
        wrong = LiveSecret(Secret(SOURCES[sender.type].preset.make_secret()))
        forger = replace(sender, profile=replace(sender.profile, secrets=(wrong,)))
        headers, body = sample(sender.type, "trigger", n=self.dice.randrange(1_000), now=utc_now())
        self._post(tool, headers, body, forger)

    def _post(
        self, tool: str, headers: dict[str, str], body: bytes, sender: SignedSender | None = None
    ) -> None:
        path, signed = (sender or self.senders[tool]).request(body, utc_now(), str(uuid7()))
        began = time.monotonic()
        answered = self._request("POST", path, body, {**headers, **signed})
        if answered is None:
            return
        status, answer = answered
        taken = (time.monotonic() - began) * 1_000
        if 200 <= status < 300:
            alert_id = answer["alert_id"] or next(
                (each["alert_id"] for each in answer["alerts"]), None
            )
            statuses = {
                each["alert_id"]: self._alert(each["alert_id"]) for each in answer["alerts"]
            }
            alert = statuses.get(alert_id, {}) if alert_id else {}
            arrival = Arrival(
                iso(utc_now()),
                tool,
                status,
                answer["status"],
                taken,
                alert.get("severity"),
                alert.get("title", "nothing to alert of"),
                alert_id,
            )
            known = {each: found["status"] for each, found in statuses.items() if found}
        else:
            outcome = "rejected" if status == 401 else "refused"
            arrival = Arrival(
                iso(utc_now()), tool, status, outcome, taken, None, answer["title"], None
            )
            known = {}
        self.board.arrived(arrival, began, known)

    def _alert(self, alert_id: str) -> dict[str, Any]:
        """The alert as it now stands, read back through the API."""
        answered = self._request(
            "GET", f"/api/v1/alerts/{alert_id}", b"", {"Authorization": f"Bearer {self.api_key}"}
        )
        return answered[1] if answered is not None and answered[0] == 200 else {}

    def _request(
        self, method: str, path: str, body: bytes, headers: Mapping[str, str]
    ) -> tuple[int, dict[str, Any]] | None:
        """Status and document; None where the server is going away."""
        if self._connection is None:
            self._connection = http.client.HTTPConnection(
                self.host, self.port, timeout=_TIMEOUT_SECONDS
            )
        try:
            self._connection.request(method, path, body=body, headers=dict(headers))
            answer = self._connection.getresponse()
            return answer.status, json.loads(answer.read())
        except (OSError, http.client.HTTPException, ValueError):
            self._connection.close()
            self._connection = None
            return None
