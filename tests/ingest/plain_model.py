"""What ingest should come to, written down plainly and slowly, without a look at how it is done.

One integration; one webhook carries one signal. Times are whole seconds. A *memory* is kept per
external id: its alerts, and what is remembered of ends.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

WINDOW = 15 * 60
LATE_FOR = 60
LIVE = ("OPEN", "ACKNOWLEDGED")
RANKED = ("INFO", "LOW", "MEDIUM", "HIGH", "CRITICAL")
DEFAULT_SEVERITY = "HIGH"


@dataclass(frozen=True)
class Sent:
    """One webhook, as its sender means it."""

    kind: str
    external_id: str | None
    at: int | None
    severity: str | None
    words: str
    key: str | None


@dataclass
class Alert:
    status: str
    severity: str
    triggered: int
    newest: int
    words: str
    count: int = 1
    acknowledged: int | None = None
    resolved: int | None = None
    closed: int | None = None


@dataclass
class Memory:
    alerts: list[Alert] = field(default_factory=list)
    # The newest resolve received, and until when that is remembered.
    resolve_at: int | None = None
    forget_at: int = 0
    # The alert that ended last, when by the sender's time, and when that end came in.
    ended: Alert | None = None
    ended_at: int | None = None
    end_heard_at: int = 0

    def live(self) -> Alert | None:
        found = [alert for alert in self.alerts if alert.status in LIVE]
        assert len(found) <= 1
        return found[0] if found else None

    def forget(self, now: int) -> None:
        if self.resolve_at is not None and self.forget_at <= now:
            self.resolve_at = self.ended = self.ended_at = None


@dataclass
class Claim:
    until: int
    alert: Alert | None


@dataclass
class Model:
    now: int = 0
    memories: dict[str, Memory] = field(default_factory=dict)
    strays: list[Alert] = field(default_factory=list)
    contents: dict[Sent, Claim] = field(default_factory=dict)
    keys: dict[str, int] = field(default_factory=dict)
    key_contents: dict[str, Sent] = field(default_factory=dict)
    key_alerts: dict[str, Alert | None] = field(default_factory=dict)

    def alerts(self) -> list[Alert]:
        return [a for memory in self.memories.values() for a in memory.alerts] + self.strays

    def receive(self, batch: list[Sent]) -> list[tuple[str, Alert | None, bool]]:
        """Of each: what it came to, the alert named, and whether its key was known with other
        content. What did nothing makes a duplicate only of what is committed together with it."""
        self._idle: dict[Sent, Alert | None] = {}
        self._idle_keys: set[str] = set()
        return [self._receive(sent) for sent in batch]

    def _receive(self, sent: Sent) -> tuple[str, Alert | None, bool]:
        content = replace(sent, key=None)
        known = self.contents.get(content)
        is_known = sent.key is not None and self.keys.get(sent.key, -1) > self.now
        reused = is_known or sent.key in self._idle_keys
        same_key = sent.key is not None and self.key_contents.get(sent.key) == content
        if is_known and same_key:
            outcome, alert, reused = "duplicate", self.key_alerts[sent.key or ""], False
        elif known is not None and known.until > self.now and self._holds(sent, known.alert):
            outcome, alert, reused = "duplicate", known.alert, False
        elif content in self._idle and self._holds(sent, self._idle[content]):
            outcome, alert, reused = "duplicate", self._idle[content], False
        else:
            outcome, alert = self._apply(sent)
            if outcome == "ignored":
                self._idle[content] = alert
                if sent.key is not None and not is_known:
                    self._idle_keys.add(sent.key)
                return outcome, alert, reused
            self.contents[content] = Claim(self.now + WINDOW, alert)
        if sent.key is not None and not is_known and sent.key not in self._idle_keys:
            self.keys[sent.key] = self.now + WINDOW
            self.key_contents[sent.key], self.key_alerts[sent.key] = content, alert
        return outcome, alert, reused

    def _holds(self, sent: Sent, alert: Alert | None) -> bool:
        """Whether what was sent before is still so: then saying it again is a mere repetition."""
        if sent.external_id is None:
            return alert is None or alert.status in LIVE
        live = self.memories.setdefault(sent.external_id, Memory()).live()
        if sent.kind == "trigger":
            return (
                live is not None
                and live is alert
                and sent.severity in (None, live.severity)
                and sent.words == live.words
            )
        if sent.kind == "acknowledge":
            return live is None or live.status == "ACKNOWLEDGED"
        return live is None

    def _apply(self, sent: Sent) -> tuple[str, Alert | None]:
        at = self.now if sent.at is None else min(sent.at, self.now)
        if sent.external_id is None:
            if sent.kind != "trigger":
                return "ignored", None
            self.strays.append(self._new(sent, at))
            return "created", self.strays[-1]
        memory = self.memories.setdefault(sent.external_id, Memory())
        memory.forget(self.now)
        return {
            "trigger": self._trigger,
            "acknowledge": self._acknowledge,
            "resolve": self._resolve,
        }[sent.kind](memory, sent, at)

    def _new(self, sent: Sent, at: int) -> Alert:
        severity = sent.severity or DEFAULT_SEVERITY
        # What the sender says of when it fired is kept as it is sent.
        triggered = at if sent.at is None else sent.at
        return Alert("OPEN", severity, triggered, at, sent.words)

    def _trigger(self, memory: Memory, sent: Sent, at: int) -> tuple[str, Alert | None]:
        live = memory.live()
        if live is not None:
            live.count += 1
            if at >= live.newest:
                live.newest = at
                live.severity = sent.severity or live.severity
                live.words = sent.words
            return "updated", live
        is_old = memory.ended is not None and memory.ended_at is not None and at <= memory.ended_at
        if is_old and self.now - memory.end_heard_at <= LATE_FOR:
            assert memory.ended is not None
            memory.ended.count += 1
            return "updated", memory.ended
        alert = self._new(sent, at)
        memory.alerts.append(alert)
        if is_old:
            assert memory.ended_at is not None
            assert memory.resolve_at is not None
            # Just after the end before it.
            alert.newest = max(memory.ended_at, memory.resolve_at)
        elif memory.resolve_at is not None and at <= memory.resolve_at:
            alert.status, alert.resolved, alert.newest = (
                "RESOLVED",
                memory.resolve_at,
                memory.resolve_at,
            )
            memory.ended, memory.ended_at = alert, memory.resolve_at
            memory.end_heard_at = self.now
            memory.forget_at = self.now + WINDOW
        return "created", alert

    def _acknowledge(self, memory: Memory, sent: Sent, at: int) -> tuple[str, Alert | None]:
        live = memory.live()
        if live is None or at < live.newest:
            return "ignored", live
        live.newest = at
        if live.status == "ACKNOWLEDGED":
            return "ignored", live
        live.status, live.acknowledged = "ACKNOWLEDGED", at
        return "acknowledged", live

    def _resolve(self, memory: Memory, sent: Sent, at: int) -> tuple[str, Alert | None]:
        live = memory.live()
        if live is None:
            if memory.resolve_at is None or at > memory.resolve_at:
                memory.resolve_at, memory.forget_at = at, self.now + WINDOW
            return "ignored", None
        if at < live.newest:
            return "ignored", live
        # Without a time of its own it is only known to come after what came before.
        ended = live.newest if sent.at is None else at
        live.status, live.resolved, live.newest = "RESOLVED", at, at
        memory.ended, memory.ended_at, memory.end_heard_at = live, ended, self.now
        memory.resolve_at = ended if memory.resolve_at is None else max(ended, memory.resolve_at)
        memory.forget_at = self.now + WINDOW
        return "resolved", live

    def act(self, alert: Alert, action: str) -> str:
        """What a person does: `done`, `not allowed`, or `newer one open`."""
        allowed = {
            "acknowledge": ("OPEN",),
            "resolve": LIVE,
            "close": (*LIVE, "RESOLVED"),
            "reopen": ("RESOLVED",),
        }[action]
        wanted = {"acknowledge": "ACKNOWLEDGED", "resolve": "RESOLVED", "close": "CLOSED"}
        if alert.status == wanted.get(action, "OPEN"):
            return "done"
        if alert.status not in allowed:
            return "not allowed"
        if action in ("resolve", "close") and alert.status in LIVE:
            self._end(alert)
        if action == "acknowledge":
            alert.status, alert.acknowledged = "ACKNOWLEDGED", self.now
        elif action == "resolve":
            alert.status, alert.resolved = "RESOLVED", self.now
        elif action == "close":
            alert.status, alert.closed = "CLOSED", self.now
        else:
            for memory in self.memories.values():
                if alert in memory.alerts and memory.live() is not None:
                    return "newer one open"
            alert.status, alert.acknowledged, alert.resolved = "OPEN", None, None
        return "done"

    def _end(self, alert: Alert) -> None:
        """A person's end: what the sender sent of the alert until then may still arrive."""
        for memory in self.memories.values():
            if alert in memory.alerts:
                memory.forget(self.now)
                memory.ended, memory.ended_at, memory.end_heard_at = alert, alert.newest, self.now
                memory.resolve_at = alert.newest if memory.resolve_at is None else memory.resolve_at
                memory.forget_at = self.now + WINDOW
