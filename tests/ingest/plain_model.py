"""What ingest should come to, written down plainly and slowly, without a look at how it is done.

One integration; one webhook carries one signal. Times are whole seconds. A *book* is kept per
external id: its alerts, and what is remembered of resolves.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

WINDOW = 15 * 60
LIVE = ("OPEN", "ACKNOWLEDGED")
RANKED = ("INFO", "LOW", "MEDIUM", "HIGH", "CRITICAL")
DEFAULT_SEVERITY = "HIGH"


@dataclass(frozen=True)
class Said:
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
    count: int = 1
    acknowledged: int | None = None
    resolved: int | None = None
    closed: int | None = None


@dataclass
class Book:
    alerts: list[Alert] = field(default_factory=list)
    # The newest resolve heard of, and until when that is remembered.
    resolve_at: int | None = None
    forget_at: int = 0
    # The alert that a resolve of the sender's ended last, and when, by the sender's time.
    ended: Alert | None = None
    ended_at: int | None = None

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
class World:
    now: int = 0
    books: dict[str, Book] = field(default_factory=dict)
    strays: list[Alert] = field(default_factory=list)
    contents: dict[Said, Claim] = field(default_factory=dict)
    keys: dict[str, int] = field(default_factory=dict)

    def alerts(self) -> list[Alert]:
        return [a for book in self.books.values() for a in book.alerts] + self.strays

    def hear(self, batch: list[Said]) -> list[tuple[str, Alert | None, bool]]:
        """Of each: what it came to, the alert named, and whether its key was known with other
        content. What did nothing makes a duplicate only of what is committed together with it."""
        self._idle: dict[Said, Alert | None] = {}
        self._idle_keys: set[str] = set()
        return [self._hear(said) for said in batch]

    def _hear(self, said: Said) -> tuple[str, Alert | None, bool]:
        content = replace(said, key=None)
        known = self.contents.get(content)
        is_known = said.key is not None and self.keys.get(said.key, -1) > self.now
        reused = is_known or said.key in self._idle_keys
        if known is not None and known.until > self.now:
            outcome, alert, reused = "duplicate", known.alert, False
        elif content in self._idle:
            outcome, alert, reused = "duplicate", self._idle[content], False
        else:
            outcome, alert = self._apply(said)
            if outcome == "ignored":
                self._idle[content] = alert
                if said.key is not None and not is_known:
                    self._idle_keys.add(said.key)
                return outcome, alert, reused
            self.contents[content] = Claim(self.now + WINDOW, alert)
        if said.key is not None and not is_known and said.key not in self._idle_keys:
            self.keys[said.key] = self.now + WINDOW
        return outcome, alert, reused

    def _apply(self, said: Said) -> tuple[str, Alert | None]:
        at = self.now if said.at is None else min(said.at, self.now)
        if said.external_id is None:
            if said.kind != "trigger":
                return "ignored", None
            self.strays.append(self._new(said, at))
            return "created", self.strays[-1]
        book = self.books.setdefault(said.external_id, Book())
        book.forget(self.now)
        return {
            "trigger": self._trigger,
            "acknowledge": self._acknowledge,
            "resolve": self._resolve,
        }[said.kind](book, said, at)

    def _new(self, said: Said, at: int) -> Alert:
        severity = said.severity or DEFAULT_SEVERITY
        # What the sender says of when it fired is kept as it is said.
        return Alert("OPEN", severity, at if said.at is None else said.at, at)

    def _trigger(self, book: Book, said: Said, at: int) -> tuple[str, Alert | None]:
        live = book.live()
        if live is not None:
            live.count += 1
            if at >= live.newest:
                live.newest = at
                live.severity = said.severity or live.severity
            return "updated", live
        if book.ended is not None and book.ended_at is not None and at <= book.ended_at:
            book.ended.count += 1
            return "updated", book.ended
        alert = self._new(said, at)
        book.alerts.append(alert)
        if book.resolve_at is not None and at <= book.resolve_at:
            alert.status, alert.resolved, alert.newest = (
                "RESOLVED",
                book.resolve_at,
                book.resolve_at,
            )
            book.ended, book.ended_at = alert, book.resolve_at
            book.forget_at = self.now + WINDOW
        return "created", alert

    def _acknowledge(self, book: Book, said: Said, at: int) -> tuple[str, Alert | None]:
        live = book.live()
        if live is None or at < live.newest:
            return "ignored", live
        live.newest = at
        if live.status == "ACKNOWLEDGED":
            return "ignored", live
        live.status, live.acknowledged = "ACKNOWLEDGED", at
        return "acknowledged", live

    def _resolve(self, book: Book, said: Said, at: int) -> tuple[str, Alert | None]:
        live = book.live()
        if live is None:
            if book.resolve_at is None or at > book.resolve_at:
                book.resolve_at, book.forget_at = at, self.now + WINDOW
            return "ignored", None
        if at < live.newest:
            return "ignored", live
        # Without a time of its own it is only known to come after what came before.
        ended = live.newest if said.at is None else at
        live.status, live.resolved, live.newest = "RESOLVED", at, at
        book.ended, book.ended_at = live, ended
        book.resolve_at = ended if book.resolve_at is None else max(ended, book.resolve_at)
        book.forget_at = self.now + WINDOW
        return "resolved", live

    def act(self, alert: Alert, action: str) -> str:
        """What a person does: `done`, `not allowed`, or `newer one open`."""
        allowed = {
            "acknowledge": ("OPEN",),
            "resolve": LIVE,
            "close": (*LIVE, "RESOLVED"),
            "reopen": ("RESOLVED",),
        }[action]
        if alert.status not in allowed:
            return "not allowed"
        if action == "acknowledge":
            alert.status, alert.acknowledged = "ACKNOWLEDGED", self.now
        elif action == "resolve":
            alert.status, alert.resolved = "RESOLVED", self.now
        elif action == "close":
            alert.status, alert.closed = "CLOSED", self.now
        else:
            for book in self.books.values():
                if alert in book.alerts and book.live() is not None:
                    return "newer one open"
            alert.status, alert.acknowledged, alert.resolved = "OPEN", None, None
        return "done"
