"""What has happened so far in the demo. Written by the threads that make it happen."""

from __future__ import annotations

import threading
from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import dataclass, field

_KEPT = 200
_LIVE = ("OPEN", "ACKNOWLEDGED")


@dataclass(frozen=True, slots=True)
class Arrival:
    """One webhook and its answer. `outcome` is the answer's status, else `rejected` (not proven) or
    `refused`."""

    at: str
    tool: str
    status_code: int
    outcome: str
    milliseconds: float
    severity: str | None
    title: str
    alert_id: str | None


@dataclass(frozen=True, slots=True)
class Notice:
    """One message as it came in at its receiver; `reference` is the end of the alert's id."""

    at: str
    monotonic: float
    channel: str
    what: str
    reference: str
    proof: str = ""
    text: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The board at one moment. `alerts` counts all, `live` those open or acknowledged."""

    arrivals: list[Arrival]
    notices: list[Notice]
    outcomes: Counter[str]
    channels: Counter[str]
    tools: Counter[str]
    alerts: int
    live: int

    @property
    def webhooks(self) -> int:
        return self.tools.total()


@dataclass
class Board:
    """Everything there is to show."""

    arrivals: deque[Arrival] = field(default_factory=lambda: deque(maxlen=_KEPT))
    notices: deque[Notice] = field(default_factory=lambda: deque(maxlen=_KEPT))
    outcomes: Counter[str] = field(default_factory=Counter)
    channels: Counter[str] = field(default_factory=Counter)
    tools: Counter[str] = field(default_factory=Counter)
    alerts: dict[str, str] = field(default_factory=dict)
    """Status by alert id."""
    _sent: dict[str, list[float]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def arrived(
        self, arrival: Arrival, sent_at: float, statuses: Mapping[str, str] | None = None
    ) -> None:
        """`sent_at` (monotonic) is when its first byte left the tool."""
        with self._lock:
            self.arrivals.append(arrival)
            self.outcomes[arrival.outcome] += 1
            self.tools[arrival.tool] += 1
            for alert_id, status in (statuses or {}).items():
                self.alerts[alert_id] = status
                self._sent.setdefault(reference(alert_id), []).append(sent_at)

    def was_notified(self, notice: Notice) -> None:
        with self._lock:
            self.notices.append(notice)
            self.channels[notice.channel] += 1

    def delay_ms(self, notice: Notice) -> float | None:
        """From the webhook that caused it to its arrival; None while that is not known. A message
        may overtake the answer to its webhook."""
        with self._lock:
            before = [at for at in self._sent.get(notice.reference, ()) if at <= notice.monotonic]
        return (notice.monotonic - before[-1]) * 1_000 if before else None

    def snapshot(self) -> Snapshot:
        with self._lock:
            return Snapshot(
                arrivals=list(self.arrivals),
                notices=list(self.notices),
                outcomes=self.outcomes.copy(),
                channels=self.channels.copy(),
                tools=self.tools.copy(),
                alerts=len(self.alerts),
                live=sum(status in _LIVE for status in self.alerts.values()),
            )


def reference(alert_id: str) -> str:
    """The end of an alert's id, as messages show it."""
    return alert_id.replace("-", "")[-8:]
