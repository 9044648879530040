"""What every message says, whatever the channel: one wording, so that readers meet the same words
in a mail, a card and a chat. Texts from senders come out of here cleaned and cut, not escaped.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from tocsin.delivery.channels.kit.escape import lines, one_line
from tocsin.message import SHOWN_ALERTS, AlertView, Changes, Group, Links, Message, NoticeContent
from tocsin.model import AlertStatus, EventType, Severity

TITLE = 200
DESCRIPTION = 4_000
NAME = 100
VALUE = 300
LABELS = 20

STATES = {
    EventType.TRIGGERED: "triggered",
    EventType.ACKNOWLEDGED: "acknowledged",
    EventType.RESOLVED: "resolved",
    EventType.CLOSED: "closed",
    EventType.REMINDER: "still open",
    EventType.FLAPPING: "flapping",
    EventType.SETTLED: "settled",
    EventType.TEST: "test",
    EventType.SHIFT_BEGINS: "on call",
    EventType.SHIFT_ENDS: "on call no more",
    EventType.GAPS: "nobody on call",
}
_ENTRY_TITLE = 160
_ENTRY_SOURCE = 60


@dataclass(frozen=True, slots=True)
class Fact:
    name: str
    value: str


@dataclass(frozen=True, slots=True)
class Moment:
    """A point in time for people: always UTC, and the destination's own zone if that differs."""

    name: str
    at: datetime
    utc: str
    local: str | None

    @property
    def text(self) -> str:
        return f"{self.local} ({self.utc})" if self.local else self.utc


@dataclass(frozen=True, slots=True)
class ActionLink:
    name: str
    url: str


@dataclass(frozen=True, slots=True)
class MessageWords:
    """One message in parts. `severity` and `reference` are None for a test and for a code."""

    state: str
    severity: Severity | None
    title: str
    description: str | None
    change: str
    facts: tuple[Fact, ...]
    labels: tuple[Fact, ...]
    more_labels: int
    moments: tuple[Moment, ...]
    actions: tuple[ActionLink, ...]
    code: str | None
    reference: str | None
    destination: str
    footer: str
    is_over: bool = False

    @property
    def headline(self) -> str:
        """Severity and state in words, for those who see no colour."""
        return f"{self.severity} · {self.state}" if self.severity else self.state.capitalize()

    @property
    def summary(self) -> str:
        """The whole message in one line: what a notification shows."""
        if self.severity is None:
            return f"{self.state.capitalize()}: {self.title}"
        ending = "" if self.state == "triggered" else f" · {self.state}"
        return f"{self.severity}{ending}: {self.title}"

    @property
    def code_hint(self) -> str | None:
        return f"Code to confirm with: {self.code}" if self.code else None


def describe(message: Message, zone: ZoneInfo, links: Links) -> MessageWords:
    """The words for one message to one reader."""
    if message.group is not None:
        return _of_several(message, message.group, zone, links)
    if message.notice is not None:
        return _notice(message, message.notice, zone, links)
    alert = message.alert
    if alert is None:
        return _test(message, zone, links)
    state = STATES[message.event_type] if message.no_news_since is None else "no news"
    labels = sorted(alert.labels.items())
    return MessageWords(
        state=state,
        severity=alert.severity,
        title=one_line(alert.title, TITLE) or "Untitled alert",
        description=lines(alert.description, DESCRIPTION) if alert.description else None,
        change=_change(message, alert),
        facts=_facts(message, alert),
        labels=tuple(
            Fact(one_line(name, NAME), one_line(value, VALUE)) for name, value in labels[:LABELS]
        ),
        more_labels=max(len(labels) - LABELS, 0),
        moments=_moments(message, alert, zone),
        actions=_actions(message, links),
        code=links.code if len(_actions(message, links)) > 1 else None,
        reference=reference(alert),
        destination=one_line(message.destination_name, NAME),
        footer=_footer(message, f"alert {reference(alert)}"),
        is_over=_is_over(message, alert),
    )


def _is_over(message: Message, alert: AlertView) -> bool:
    if message.event_type is EventType.SETTLED:
        return not alert.status.is_live
    return message.event_type in (EventType.RESOLVED, EventType.CLOSED)


def _of_several(message: Message, group: Group, zone: ZoneInfo, links: Links) -> MessageWords:
    """What changed stands first, then the alerts, one to a line."""
    is_open = group.changes.open > 0
    title = one_line(group.title, TITLE) or "Alerts"
    # Pages say in their title how many they are about; how many more are open is news only then.
    if message.event_type is not EventType.PAGES or group.changes.open > group.changes.new:
        title += f" ({group.changes.open} open)" if is_open else " (all over)"
    labels = sorted(group.labels.items())
    facts = [] if message.tenant is None else [Fact("Tenant", one_line(message.tenant.name, VALUE))]
    actions = _group_actions(links)
    return MessageWords(
        state="triggered" if is_open else "resolved",
        is_over=not is_open,
        severity=group.severity,
        title=title,
        description="\n".join(_entries(message)) or None,
        change=f"{changes_words(group.changes)}.{_held(message)}{_note(message)}",
        facts=tuple(facts),
        labels=tuple(
            Fact(one_line(name, NAME), one_line(value, VALUE)) for name, value in labels[:LABELS]
        ),
        more_labels=max(len(labels) - LABELS, 0),
        moments=(moment("Since", group.since, zone),),
        actions=actions,
        code=links.code if len(actions) > 1 else None,
        reference=group_reference(group),
        destination=one_line(message.destination_name, NAME),
        footer=_footer(message, f"group {group_reference(group)}"),
    )


def changes_words(changes: Changes) -> str:
    """`+3, 1 ended, 1 came and went; 7 open`."""
    parts = [
        (f"+{changes.new}", changes.new),
        (f"{changes.acknowledged} acknowledged", changes.acknowledged),
        (f"{changes.ended} ended", changes.ended),
        (f"{changes.passed} came and went", changes.passed),
    ]
    changed = ", ".join(words for words, count in parts if count)
    left = f"{changes.open} open" if changes.open else "all over"
    return f"{changed}; {left}" if changed else left


def _entries(message: Message) -> list[str]:
    shown = message.alerts[:SHOWN_ALERTS]
    entries = [
        f"{alert.severity} · {alert.status.lower()} · "
        f"{one_line(alert.title, _ENTRY_TITLE) or 'Untitled alert'} "
        f"({one_line(alert.source, _ENTRY_SOURCE)})"
        for alert in shown
    ]
    more = message.more_than(len(shown))
    return [*entries, f"and {more} more"] if more else entries


def _group_actions(links: Links) -> tuple[ActionLink, ...]:
    actions = []
    if links.acknowledge:
        actions.append(ActionLink("Acknowledge these", links.acknowledge))
    if links.resolve:
        actions.append(ActionLink("Resolve these", links.resolve))
    if links.alert.startswith(("http://", "https://")):
        actions.append(ActionLink("Open in Tocsin", links.alert))
    return tuple(actions)


def reference(alert: AlertView) -> str:
    """Short enough to read out; the random end of the id, as its start is only the time."""
    return alert.id.hex[-8:]


def group_reference(group: Group) -> str:
    return group.id.hex[-8:]


def moment(name: str, at: datetime, zone: ZoneInfo) -> Moment:
    at = at.astimezone(UTC)
    local = at.astimezone(zone)
    return Moment(
        name=name,
        at=at,
        utc=f"{at:%Y-%m-%d %H:%M:%S} UTC",
        local=None if zone.key in ("UTC", "Etc/UTC") else f"{local:%Y-%m-%d %H:%M:%S %Z}",
    )


def duration(span: timedelta) -> str:
    """In its two largest units: `45 s`, `12 min`, `3 h 20 min`, `2 d 5 h`."""
    seconds = max(int(span.total_seconds()), 0)
    if seconds < 60:
        return f"{seconds} s"
    minutes, hours, days = seconds // 60, seconds // 3_600, seconds // 86_400
    if minutes < 60:
        return f"{minutes} min"
    if hours < 24:
        return f"{hours} h {minutes % 60} min" if minutes % 60 else f"{hours} h"
    return f"{days} d {hours % 24} h" if hours % 24 else f"{days} d"


def _change(message: Message, alert: AlertView) -> str:
    """What happened, as a sentence, what held that back, and why it comes here if no rule says so."""
    return _happened(message, alert) + _held(message) + _note(message)


def _note(message: Message) -> str:
    return f" {one_line(message.note, VALUE)}" if message.note else ""


def _held(message: Message) -> str:
    held = message.held
    if held is None:
        return ""
    fires = message.event_type is EventType.TRIGGERED or message.group is not None
    still = "Still firing" if fires else "Sent"
    span = duration(held.until - held.since)
    return f" {still} after {one_line(held.after, VALUE)}, which held this back for {span}."


def _happened(message: Message, alert: AlertView) -> str:
    by = f" by {one_line(message.actor, NAME)}" if message.actor else ""
    match message.event_type:
        case EventType.ACKNOWLEDGED:
            return f"Acknowledged{by}{_after(alert, alert.acknowledged_at)}."
        case EventType.RESOLVED if message.no_news_since is not None:
            return f"{_no_news(message.no_news_since, alert)}; taken to be over. Nobody said so."
        case EventType.FLAPPING | EventType.SETTLED:
            return _flapping(message, alert)
        case EventType.REMINDER:
            span = duration(_sent_at(message) - alert.triggered_at)
            return f"Still open after {span}; nobody has acknowledged it yet."
        case EventType.RESOLVED:
            return f"Resolved{by}{_after(alert, alert.resolved_at)}."
        case EventType.CLOSED:
            return f"Closed{by}{_after(alert, alert.closed_at)}."
        case _ if alert.occurrence_count > 1:
            return f"Triggered; reported {alert.occurrence_count} times so far."
        case _:
            return "Triggered; nobody has acknowledged it yet."


def _flapping(message: Message, alert: AlertView) -> str:
    flapping = message.flapping
    at = _sent_at(message)
    counted = "It keeps coming and going"
    if flapping is not None:
        counted = f"{flapping.changes} changes in {duration(at - flapping.first_at)}"
    if message.event_type is EventType.FLAPPING:
        now = f"now it is {alert.status.lower()}"
        return (
            f"Flapping: {counted}; {now}. You hear when it has settled, and meanwhile now and then."
        )
    span = "" if flapping is None else f" after {duration(at - flapping.since)} of flapping"
    return f"Settled{span} ({counted}): it is {alert.status.lower()}."


def _sent_at(message: Message) -> datetime:
    return message.created_at if message.held is None else message.held.until


def _no_news(since: datetime, alert: AlertView) -> str:
    span = duration((alert.resolved_at or alert.last_received_at) - since)
    return f"No news for {span}"


def _after(alert: AlertView, at: datetime | None) -> str:
    return "" if at is None else f", {duration(at - alert.triggered_at)} after it was triggered"


def _facts(message: Message, alert: AlertView) -> tuple[Fact, ...]:
    facts = [Fact("Severity", alert.severity), Fact("Source", one_line(alert.source, VALUE))]
    if message.tenant is not None:
        facts.append(Fact("Tenant", one_line(message.tenant.name, VALUE)))
    if alert.external_id:
        facts.append(Fact("External id", one_line(alert.external_id, VALUE)))
    return tuple(facts)


def _moments(message: Message, alert: AlertView, zone: ZoneInfo) -> tuple[Moment, ...]:
    moments = [("Triggered", alert.triggered_at)]
    if alert.acknowledged_at is not None:
        moments.append(("Acknowledged", alert.acknowledged_at))
    if alert.resolved_at is not None and message.event_type in (
        EventType.RESOLVED,
        EventType.CLOSED,
    ):
        moments.append(("Resolved", alert.resolved_at))
    if alert.closed_at is not None and message.event_type is EventType.CLOSED:
        moments.append(("Closed", alert.closed_at))
    return tuple(moment(name, at, zone) for name, at in moments)


def _actions(message: Message, links: Links) -> tuple[ActionLink, ...]:
    """Only what still makes sense: nobody acknowledges what is resolved."""
    actions = []
    notes = message.event_type in (EventType.FLAPPING, EventType.SETTLED)
    opens = message.event_type in (EventType.TRIGGERED, EventType.REMINDER) or (
        notes and message.alert is not None and message.alert.status is AlertStatus.OPEN
    )
    if opens and links.acknowledge:
        actions.append(ActionLink("Acknowledge", links.acknowledge))
    if (opens or message.event_type is EventType.ACKNOWLEDGED) and links.resolve:
        actions.append(ActionLink("Resolve", links.resolve))
    # Without a public URL there is only a path, which leads nowhere from a chat.
    if links.alert.startswith(("http://", "https://")):
        actions.append(ActionLink("Open in Tocsin", links.alert))
    return tuple(actions)


def _footer(message: Message, about: str) -> str:
    workspace = one_line(message.workspace.name, NAME)
    rule = f" · rule {one_line(message.rule.name, NAME)}" if message.rule else ""
    return f"Tocsin · {workspace}{rule} · {about}"


def _notice(message: Message, notice: NoticeContent, zone: ZoneInfo, links: Links) -> MessageWords:
    name = one_line(message.destination_name, NAME)
    workspace = one_line(message.workspace.name, NAME)
    return MessageWords(
        state=STATES[message.event_type],
        severity=None,
        title=one_line(notice.title, TITLE) or "Schedule",
        description=None,
        change=one_line(notice.text, DESCRIPTION),
        facts=(Fact("Workspace", workspace),),
        labels=(),
        more_labels=0,
        moments=(moment("Sent", message.created_at, zone),),
        actions=_actions(message, links),
        code=None,
        reference=None,
        destination=name,
        footer=f"Tocsin · {workspace} · notice {message.id.hex[-8:]}",
    )


def _test(message: Message, zone: ZoneInfo, links: Links) -> MessageWords:
    name = one_line(message.destination_name, NAME)
    workspace = one_line(message.workspace.name, NAME)
    return MessageWords(
        state="test" if message.code is None else "code",
        severity=None,
        title=f"Tocsin can reach {name}"
        if message.code is None
        else f"Your Tocsin code is {message.code}",
        description=None,
        change="This is a test message. There is no alert behind it and nothing to do."
        if message.code is None
        else "Enter it within 15 minutes, and Tocsin pages you here. If you did not ask for it, do "
        "nothing.",
        facts=(Fact("Destination", name), Fact("Workspace", workspace)),
        labels=(),
        more_labels=0,
        moments=(moment("Asked for", message.created_at, zone),),
        actions=_actions(message, links),
        code=None,
        reference=None,
        destination=name,
        footer=f"Tocsin · {workspace} · test {message.id.hex[-8:]}",
    )
