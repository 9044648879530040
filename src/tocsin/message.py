"""What a message says: one structure, encoded and decoded here.

A message is about an event, so it says the alert as it stood when it was planned: "triggered" and
"resolved" stay in order, however late they leave. `Content` is what is kept of it, as
`alert_deliveries.payload`; a `Message` is one attempt at it, ready to be put into a channel's words;
its `document` is what a receiver of webhooks gets. Never a secret.

    planning ── Content ──► encode ──► payload ──► read ──► Message ──► document
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import msgspec
from msgspec import Struct
from msgspec.structs import force_setattr

from tocsin.model import AlertStatus, EventType, Severity

encode = msgspec.json.Encoder().encode
"""A `Content` as JSON, times in UTC with `Z`."""


_TIMES = (
    "triggered_at",
    "acknowledged_at",
    "resolved_at",
    "closed_at",
    "last_received_at",
    "created_at",
    "updated_at",
)


class PayloadError(Exception):
    """The stored payload is not one that this program wrote."""


class Named(Struct, frozen=True, omit_defaults=True):
    """A workspace or tenant (with slug), or a rule (without), as messages name it."""

    id: UUID
    name: str
    slug: str | None = None


class AlertView(Struct, frozen=True, kw_only=True):
    """The alert under its column names, as it stood when the message was planned."""

    id: UUID
    workspace_id: UUID
    tenant_id: UUID
    integration_id: UUID
    title: str
    description: str | None
    severity: Severity
    status: AlertStatus
    source: str
    external_id: str | None
    triggered_at: datetime
    acknowledged_at: datetime | None
    resolved_at: datetime | None
    closed_at: datetime | None
    metadata: Mapping[str, Any]
    labels: Mapping[str, str]
    occurrence_count: int
    last_received_at: datetime
    created_at: datetime
    updated_at: datetime

    def __post_init__(self) -> None:
        """Times are in UTC, whatever zone they came in."""
        for name in _TIMES:
            at: datetime | None = getattr(self, name)
            if at is not None and at.tzinfo is not UTC:
                force_setattr(self, name, at.astimezone(UTC))


class HeldBack(Struct, frozen=True, kw_only=True):
    """A message was held back; `after` names what has ended: "silence “DB patch”"."""

    reason: str
    since: datetime
    until: datetime
    after: str


class Changes(Struct, frozen=True, kw_only=True):
    """What a message of several alerts has to say, in numbers of alerts: `new` since the message before,
    `ended` of those it was sent for, `passed` that came and went in between, and those `open` now."""

    new: int = 0
    acknowledged: int = 0
    ended: int = 0
    passed: int = 0
    open: int = 0


class Group(Struct, frozen=True, kw_only=True):
    """What several alerts of one message have in common. Messages with one `id` belong together;
    `labels` are those that all alerts share; `severity` is the worst of what is open, else of what is
    listed; `more` alerts are not listed."""

    id: UUID
    title: str
    severity: Severity
    since: datetime
    changes: Changes
    labels: Mapping[str, str] = {}
    more: int = 0

    def __post_init__(self) -> None:
        """Times are in UTC."""
        if self.since.tzinfo is not UTC:
            force_setattr(self, "since", self.since.astimezone(UTC))


MOST_ALERTS = 100
"""Alerts that one message lists at most, for programs that read it."""

SHOWN_ALERTS = 10
"""Those that it shows to people, and that its links act on."""


class Flapping(Struct, frozen=True, kw_only=True):
    """An alert keeps coming and going: so many changes since `first_at`; nobody is notified of each
    since `since`."""

    changes: int
    first_at: datetime
    since: datetime


class NoticeContent(Struct, frozen=True, kw_only=True):
    """What a message says that is not about alerts."""

    title: str
    text: str


class Content(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What one alert delivery says. For `alerts.test` and for notices, tenant, rule and alert are None.
    Where it is about several, `alert` is None, `group` is not, and `alerts` are in the order to show
    them in."""

    event_type: EventType
    created_at: datetime
    workspace: Named
    tenant: Named | None
    rule: Named | None
    alert: AlertView | None
    actor: str | None
    """Who acknowledged, resolved or closed it, for people."""
    said: str | None = None
    """What they noted with it."""
    note: str | None = None
    """Why it comes here, where no rule says so (the fallback destination), for people."""
    matched_labels: tuple[str, ...] = ()
    """Those of the alert's labels that rules match on: people are shown them first."""
    held: HeldBack | None = None
    """What held it back until now."""
    flapping: Flapping | None = None
    no_news_since: datetime | None = None
    """The alert is taken to be over, because its source has said nothing since."""
    group: Group | None = None
    alerts: tuple[AlertView, ...] = ()
    notice: NoticeContent | None = None
    carries_code: bool = False
    """It carries the code that verifies a contact method, which is made only when it is sent."""

    @property
    def severity(self) -> Severity | None:
        """The worst that it is about; None for a test."""
        if self.group is not None:
            return self.group.severity
        return None if self.alert is None else self.alert.severity


class Message(Content, frozen=True, kw_only=True):
    """One attempt at an alert delivery."""

    id: UUID
    attempt: int
    at: datetime
    """When it is made, by the database's clock: clocks of nodes do not matter."""
    destination_name: str
    code: str | None = None
    """What the owner of a contact method enters to verify it; stored nowhere."""
    trace_headers: Mapping[str, str] = {}
    """By which a receiver's own spans become part of the trace of this attempt."""

    def more_than(self, shown: int) -> int:
        """How many alerts it is about beside the first so many."""
        more = 0 if self.group is None else self.group.more
        return more + len(self.alerts) - shown

    def document(self) -> dict[str, Any]:
        """`{id, event_type, created_at, workspace, tenant, rule, alert}`, `held`, `no_news_since` and
        `flapping` where there is such a thing, `group` and `alerts` where it is about several, the
        `notice` where it is about none, and the `code` of a new contact method; `id` is the alert
        delivery's. It holds no link."""
        whole: dict[str, Any] = msgspec.to_builtins(self)
        names = ["id", "event_type", "created_at", "workspace", "tenant", "rule", "alert"]
        names += [
            name
            for name in ("held", "no_news_since", "flapping", "notice", "code")
            if whole.get(name) is not None
        ]
        if self.group is not None:
            names += ["group", "alerts"]
            whole.setdefault("alerts", [])
        return {name: whole[name] for name in names}


@dataclass(frozen=True, slots=True)
class Links:
    """Where a reader can go; `silence` makes a silence, for who signs in. `code` is the short code to
    type when acting; it is made per recipient, action and alert, and never stored in clear. `reply_code`
    is what a reply by text message names it by."""

    alert: str
    acknowledge: str | None = None
    resolve: str | None = None
    code: str | None = None
    reply_code: str | None = None
    silence: str | None = None


def read(
    payload: Mapping[str, Any],
    *,
    id: UUID,
    event_type: str,
    created_at: datetime,
    attempt: int,
    at: datetime,
    workspace: Named,
    destination_name: str,
) -> Message:
    """The message that a stored payload says, of this version or an earlier one. `workspace` stands
    in where the payload names none; type and time are the row's.

    Raises:
        PayloadError: what is missing or wrong; it holds no value of the payload.
    """
    try:
        return msgspec.convert(
            {
                "tenant": None,
                "rule": None,
                "alert": None,
                "actor": None,
                **payload,
                "workspace": payload.get("workspace") or workspace,
                "id": id,
                "event_type": event_type,
                "created_at": created_at,
                "attempt": attempt,
                "at": at,
                "destination_name": destination_name,
            },
            Message,
        )
    except (msgspec.ValidationError, TypeError, AttributeError) as error:
        raise PayloadError(f"the stored payload cannot be read ({type(error).__name__})") from None
