"""What every message says, whatever the channel: one wording, so that readers meet the same words
in a mail, a card and a chat. Texts from senders come out of here cleaned and cut, not escaped.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from tocsin.delivery.channels.kit.change_words import change_of, change_of_several
from tocsin.delivery.channels.kit.escape import lines, one_line
from tocsin.delivery.channels.kit.label_order import by_usefulness, differing
from tocsin.delivery.channels.kit.message_actions import ActionLink, actions_of, group_actions
from tocsin.delivery.channels.kit.moments import Moment, moment
from tocsin.message import SHOWN_ALERTS, AlertView, Group, Links, Message, NoticeContent
from tocsin.model import DEFAULT_SLUG, EventType, Severity
from tocsin.model.sender_links import is_web_address

TITLE = 200
DESCRIPTION = 4_000
NAME = 100
VALUE = 300
ADDRESS = 600
LABELS = 20
LEADING_DESCRIPTION = 400
"""Characters that do not push what can be done out of sight."""

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
_ENTRY_LABELS = 2
_ENTRY_VALUE = 60


@dataclass(frozen=True, slots=True)
class Fact:
    name: str
    value: str


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
    lists_alerts: bool = False

    @property
    def lead(self) -> str | None:
        """The description, where it stands before what can be done: short, or the alerts that are acted
        on."""
        text = self.description
        return text if text and (self.lists_alerts or len(text) <= LEADING_DESCRIPTION) else None

    @property
    def rest(self) -> str | None:
        """The description, where it stands after it."""
        return self.description if self.lead is None else None

    @property
    def rows(self) -> tuple[Fact, ...]:
        return (*self.facts, *self.labels)

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
    title = one_line(alert.title, TITLE) or "Untitled alert"
    rows = by_usefulness(
        alert.labels, headline=f"{alert.severity} {title}", matched=message.matched_labels
    )
    # A name of the tool's own, and last: it is often a hash.
    rows += [("External id", alert.external_id)] if alert.external_id else []
    actions = actions_of(message, links)
    return MessageWords(
        state=state,
        severity=alert.severity,
        title=title,
        description=lines(alert.description, DESCRIPTION) if alert.description else None,
        change=change_of(message, alert),
        facts=_facts(message, alert),
        labels=_label_rows(rows),
        more_labels=max(len(rows) - LABELS, 0),
        moments=_moments(message, alert, zone),
        actions=actions,
        code=_code(actions, links),
        reference=reference(alert),
        destination=one_line(message.destination_name, NAME),
        footer=_footer(message, f"alert {reference(alert)}"),
        is_over=_is_over(message, alert),
    )


def _label_rows(labels: list[tuple[str, str]]) -> tuple[Fact, ...]:
    return tuple(Fact(one_line(name, NAME), _value(value)) for name, value in labels[:LABELS])


def _value(text: str) -> str:
    """An address that is cut leads nowhere."""
    return one_line(text, ADDRESS if is_web_address(text) else VALUE)


def _code(actions: tuple[ActionLink, ...], links: Links) -> str | None:
    """Where a link asks for it."""
    return links.code if any(action.asks_code for action in actions) else None


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
    labels = by_usefulness(group.labels, headline=f"{group.severity} {title}")
    actions = group_actions(message, links)
    return MessageWords(
        state="triggered" if is_open else "resolved",
        is_over=not is_open,
        severity=group.severity,
        title=title,
        description="\n".join(_entries(message)) or None,
        change=change_of_several(message, group),
        facts=_tenant(message),
        labels=_label_rows(labels),
        more_labels=max(len(labels) - LABELS, 0),
        moments=(moment("Since", group.since, zone, message.at if is_open else None),),
        actions=actions,
        code=_code(actions, links),
        reference=group_reference(group),
        destination=one_line(message.destination_name, NAME),
        footer=_footer(message, f"group {group_reference(group)}"),
        lists_alerts=True,
    )


def _entries(message: Message) -> list[str]:
    shown = message.alerts[:SHOWN_ALERTS]
    differ = differing(message.alerts)
    entries = [
        f"{alert.severity} · {alert.status.lower()} · "
        f"{one_line(alert.title, _ENTRY_TITLE) or 'Untitled alert'} "
        f"({_apart(alert, differ)}{one_line(alert.source, _ENTRY_SOURCE)})"
        for alert in shown
    ]
    more = message.more_than(len(shown))
    return [*entries, f"and {more} more"] if more else entries


def _apart(alert: AlertView, names: list[str]) -> str:
    """What tells it from the others of the message, as far as its title does not: `host=db1, `."""
    said = [
        f"{one_line(name, _ENTRY_VALUE)}={one_line(value, _ENTRY_VALUE)}, "
        for name in names
        if (value := alert.labels.get(name)) and value.casefold() not in alert.title.casefold()
    ]
    return "".join(said[:_ENTRY_LABELS])


def reference(alert: AlertView) -> str:
    """Short enough to read out; the random end of the id, as its start is only the time."""
    return alert.id.hex[-8:]


def group_reference(group: Group) -> str:
    return group.id.hex[-8:]


def _facts(message: Message, alert: AlertView) -> tuple[Fact, ...]:
    return (Fact("Source", one_line(alert.source, VALUE)), *_tenant(message))


def _tenant(message: Message) -> tuple[Fact, ...]:
    """Whose it is, where there are several whose it may be."""
    if message.tenant is None or message.tenant.slug == DEFAULT_SLUG:
        return ()
    return (Fact("Tenant", one_line(message.tenant.name, VALUE)),)


def _moments(message: Message, alert: AlertView, zone: ZoneInfo) -> tuple[Moment, ...]:
    """The first, since when it is so, with its age while it lasts."""
    now = message.at if alert.status.is_live else None
    moments: list[tuple[str, datetime]] = []
    if alert.acknowledged_at is not None:
        moments.append(("Acknowledged", alert.acknowledged_at))
    if alert.resolved_at is not None and message.event_type in (
        EventType.RESOLVED,
        EventType.CLOSED,
    ):
        moments.append(("Resolved", alert.resolved_at))
    if alert.closed_at is not None and message.event_type is EventType.CLOSED:
        moments.append(("Closed", alert.closed_at))
    since = moment("Triggered" if now is None else "Since", alert.triggered_at, zone, now)
    return (since, *(moment(name, at, zone) for name, at in moments))


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
        actions=actions_of(message, links),
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
        actions=actions_of(message, links),
        code=None,
        reference=None,
        destination=name,
        footer=f"Tocsin · {workspace} · test {message.id.hex[-8:]}",
    )
