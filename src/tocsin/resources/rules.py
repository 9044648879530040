"""Alert rules: their parts, what they may say and name, and how they are kept."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints

from tocsin.access.api_keys import Principal
from tocsin.model import EventType, Fault, Severity, uuid7
from tocsin.resources import recording
from tocsin.resources.errors import InvalidRequest
from tocsin.resources.fields import (
    NO_NUL,
    Flag,
    Id,
    Input,
    JsonObject,
    Name,
    Output,
    Time,
    Timezone,
    Whole,
    example,
    left_out,
    unique,
)
from tocsin.resources.owned import owned, require, require_all
from tocsin.routing.validation import (
    COOLDOWN_LIMIT,
    EXEMPTIONS_LIMIT,
    GROUP_BY_LIMIT,
    GROUP_INTERVAL_LIMIT,
    GROUP_LINGER_LIMIT,
    GROUP_WAIT_LIMIT,
    LABEL_LIMIT,
    MATCHERS_LIMIT,
    REMINDER_LEAST,
    REMINDER_LIMIT,
    VALUE_LIMIT,
    WINDOWS_LIMIT,
    RuleEventType,
    validate_matchers,
    validate_quiet_hours,
    validate_unless,
)
from tocsin.store.database import DatabaseSession
from tocsin.store.tables import AlertDestination, AlertRule, StoredPolicy, Tenant

Month = Annotated[int, Field(strict=True, ge=1, le=12), Whole]
DayOfMonth = Annotated[int, Field(strict=True, ge=-31, le=31), Whole]
Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
WallTime = Annotated[
    str,
    StringConstraints(strict=True, pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$", max_length=5),
]


class MatcherIn(Input):
    """A label, or severity, source, type or title; `=~` and `!~` take an RE2 expression that must
    match the whole value. A label that is not there counts as empty."""

    label: Annotated[
        str, StringConstraints(strict=True, min_length=1, max_length=LABEL_LIMIT, pattern=NO_NUL)
    ]
    op: Literal["=", "!=", "=~", "!~"]
    value: Annotated[str, StringConstraints(strict=True, max_length=VALUE_LIMIT, pattern=NO_NUL)]


def every_day() -> list[Day]:
    return ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]


class QuietWindowIn(Input):
    """Days on which a quiet period begins; an end at or before the start is on the next day."""

    days: Annotated[list[Day], Field(min_length=1, max_length=7, default_factory=every_day)]
    start: WallTime
    end: WallTime
    timezone: Timezone
    months: Annotated[
        list[Month] | None, Field(min_length=1, max_length=12, description="1 to 12; null: all")
    ] = None
    days_of_month: Annotated[
        list[DayOfMonth] | None,
        Field(min_length=1, max_length=62, description="1 to 31, or from −1, the last; null: all"),
    ] = None
    breakthrough_severity: Annotated[
        Severity | None, Field(description="Alerts at least this bad break through")
    ] = None


def _listed(value: Any) -> Any:
    """One window alone is a list of one: that is how rules were written before."""
    return [value] if isinstance(value, dict) else value


QuietHoursIn = Annotated[
    list[QuietWindowIn],
    Field(max_length=WINDOWS_LIMIT, description="Quiet while any of these windows is"),
    BeforeValidator(_listed),
]
Matchers = Annotated[list[MatcherIn], Field(max_length=MATCHERS_LIMIT)]
Unless = Annotated[
    list[Matchers],
    Field(
        max_length=EXEMPTIONS_LIMIT,
        description="The rule does not apply to what matches all matchers of any of these lists",
    ),
]
TenantIds = Annotated[
    list[Id],
    Field(min_length=1, max_length=1000, json_schema_extra={"uniqueItems": True}),
    AfterValidator(unique),
]
EventTypes = Annotated[
    list[RuleEventType],
    Field(min_length=1, max_length=4, json_schema_extra={"uniqueItems": True}),
    AfterValidator(unique),
]
DestinationIds = Annotated[
    list[Id],
    Field(max_length=100, json_schema_extra={"uniqueItems": True}),
    AfterValidator(unique),
]
Cooldown = Annotated[
    int,
    Field(
        strict=True,
        ge=0,
        le=COOLDOWN_LIMIT,
        description="Seconds in which one alert key is notified once",
    ),
    Whole,
]
RemindEvery = Annotated[
    int,
    Field(
        strict=True,
        ge=REMINDER_LEAST,
        le=REMINDER_LIMIT,
        description="Seconds after which what is still open is notified of again; null: never",
    ),
    Whole,
]
GroupBy = Annotated[
    list[
        Annotated[
            str,
            StringConstraints(strict=True, min_length=1, max_length=LABEL_LIMIT, pattern=NO_NUL),
        ]
    ],
    Field(
        max_length=GROUP_BY_LIMIT,
        json_schema_extra={"uniqueItems": True},
        description="Labels by which alerts are gathered into one message; none: all that the rule "
        "sends; null: each alert has a message of its own",
    ),
    AfterValidator(unique),
]
GroupWait = Annotated[
    int,
    Field(
        strict=True,
        ge=0,
        le=GROUP_WAIT_LIMIT,
        description="How long the first alert of a group waits for others; CRITICAL never waits",
    ),
    Whole,
]
GroupInterval = Annotated[
    int,
    Field(
        strict=True,
        ge=1,
        le=GROUP_INTERVAL_LIMIT,
        description="One message of a group at most in it",
    ),
    Whole,
]
GroupLinger = Annotated[
    int,
    Field(
        strict=True,
        ge=0,
        le=GROUP_LINGER_LIMIT,
        description="How long after its end an alert may come back and join the group again",
    ),
    Whole,
]
PolicyId = Annotated[
    Id | None,
    Field(
        description="The escalation policy by which people are paged while such an alert is open, "
        "besides the destinations; null: nobody is"
    ),
]
Position = Annotated[int, Field(strict=True, ge=-1_000_000, le=1_000_000), Whole]


class AlertRuleOut(Output):
    id: Id
    workspace_id: Id
    name: str
    is_enabled: bool
    event_types: list[EventType]
    min_severity: Severity | None
    tenant_ids: Annotated[list[Id] | None, Field(description="null: all")]
    matchers: list[JsonObject]
    unless: list[list[JsonObject]]
    destination_ids: list[Id]
    cooldown_seconds: int | None
    cooldown_breakthrough_severity: Severity | None
    quiet_hours: list[JsonObject] | None
    remind_every_seconds: int | None
    group_by: Annotated[list[str] | None, Field(description="null: it does not gather")]
    group_wait_seconds: int
    group_interval_seconds: int
    group_linger_seconds: int
    escalation_policy_id: Id | None
    position: int
    created_at: Time
    updated_at: Time


class AlertRuleIn(Input):
    name: Name
    is_enabled: Flag = True
    event_types: EventTypes
    min_severity: Severity | None = None
    tenant_ids: TenantIds | None = None
    matchers: Annotated[Matchers, Field(default_factory=list)]
    unless: Annotated[Unless, Field(default_factory=list)]
    destination_ids: DestinationIds
    cooldown_seconds: Cooldown | None = None
    cooldown_breakthrough_severity: Annotated[
        Severity | None, Field(description="Alerts at least this bad do not wait for the cooldown")
    ] = None
    quiet_hours: QuietHoursIn | None = None
    remind_every_seconds: RemindEvery | None = None
    group_by: GroupBy | None = None
    group_wait_seconds: GroupWait = 30
    group_interval_seconds: GroupInterval = 300
    group_linger_seconds: GroupLinger = 600
    escalation_policy_id: PolicyId = None
    position: Position = 0

    model_config = example(
        {
            "name": "Database alerts",
            "event_types": ["alerts.triggered", "alerts.resolved"],
            "min_severity": "HIGH",
            "matchers": [{"label": "service", "op": "=~", "value": "postgres|mysql"}],
            "unless": [[{"label": "labels.severity", "op": "=", "value": "test"}]],
            "destination_ids": [],
            "quiet_hours": [
                {
                    "days": ["sat", "sun"],
                    "start": "00:00",
                    "end": "00:00",
                    "timezone": "Europe/Vienna",
                    "breakthrough_severity": "CRITICAL",
                }
            ],
        }
    )


class AlertRulePatch(Input):
    name: Name = left_out()
    is_enabled: Flag = left_out()
    event_types: EventTypes = left_out()
    min_severity: Severity | None = None
    tenant_ids: TenantIds | None = None
    matchers: Matchers = left_out()
    unless: Unless = left_out()
    destination_ids: DestinationIds = left_out()
    cooldown_seconds: Cooldown | None = None
    cooldown_breakthrough_severity: Annotated[
        Severity | None, Field(description="Alerts at least this bad do not wait for the cooldown")
    ] = None
    quiet_hours: QuietHoursIn | None = None
    remind_every_seconds: RemindEvery | None = None
    group_by: GroupBy | None = None
    group_wait_seconds: GroupWait = left_out()
    group_interval_seconds: GroupInterval = left_out()
    group_linger_seconds: GroupLinger = left_out()
    escalation_policy_id: PolicyId = None
    position: Position = left_out()

    model_config = example({"is_enabled": False, "cooldown_seconds": 600})


def _columns(body: AlertRuleIn | AlertRulePatch, names: frozenset[str]) -> dict[str, Any]:
    """The members `names` of a body as the table keeps them."""
    values = {name: getattr(body, name) for name in names}
    if (matchers := values.get("matchers")) is not None:
        values["matchers"] = [matcher.model_dump() for matcher in matchers]
    if (unless := values.get("unless")) is not None:
        values["unless"] = [[matcher.model_dump() for matcher in each] for each in unless]
    if "quiet_hours" in values:
        windows = [window.model_dump(mode="json") for window in values["quiet_hours"] or ()]
        values["quiet_hours"] = windows or None
    if (event_types := values.get("event_types")) is not None:
        values["event_types"] = [each.value for each in event_types]
    return values


def _check(values: Mapping[str, Any]) -> None:
    """What may be wrong with it beyond its shape: `values` are all that it is to be."""
    faults = []
    if (
        values["escalation_policy_id"] is not None
        and EventType.TRIGGERED not in values["event_types"]
    ):
        words = "an escalation begins with alerts.triggered, which event_types does not name"
        faults.append(Fault("/event_types", "never-escalates", words))
    if values.get("matchers"):
        faults += validate_matchers(values["matchers"])
    if values.get("unless"):
        faults += validate_unless(values["unless"])
    if values.get("quiet_hours") is not None:
        faults += validate_quiet_hours(values["quiet_hours"])
    if faults:
        raise InvalidRequest(faults)


async def _check_references(
    session: DatabaseSession, caller: Principal, values: Mapping[str, Any]
) -> None:
    await require_all(session, Tenant, caller, values.get("tenant_ids"), "/tenant_ids")
    await require_all(
        session, AlertDestination, caller, values.get("destination_ids"), "/destination_ids"
    )
    if (policy_id := values.get("escalation_policy_id")) is not None:
        await require(session, StoredPolicy, caller, policy_id, "/escalation_policy_id")


def _document(row: AlertRule) -> Mapping[str, Any]:
    return AlertRuleOut.model_validate(row).document()


_KIND = recording.Kind("alert_rule", _document)


def make(caller: Principal, body: AlertRuleIn, now: datetime) -> AlertRule:
    """A rule as it is asked for, yet to be stored.

    Raises:
        InvalidRequest: its matchers or quiet hours cannot be used.
    """
    values = _columns(body, frozenset(AlertRuleIn.model_fields))
    _check(values)
    return AlertRule(
        id=uuid7(), workspace_id=caller.workspace_id, created_at=now, updated_at=now, **values
    )


async def create(
    session: DatabaseSession, caller: Principal, row: AlertRule, now: datetime
) -> None:
    """Stores a rule that `make` made.

    Raises:
        MissingReference: a tenant, destination or policy that it names is not there.
        NameTaken: another rule has its name.
    """
    references = {
        "tenant_ids": row.tenant_ids,
        "destination_ids": row.destination_ids,
        "escalation_policy_id": row.escalation_policy_id,
    }
    await _check_references(session, caller, references)
    await recording.create(session, caller, _KIND, row, now)


async def update(
    session: DatabaseSession, caller: Principal, rule_id: UUID, body: AlertRulePatch, now: datetime
) -> AlertRule:
    values = _columns(body, frozenset(body.model_fields_set))
    row = await owned(session, AlertRule, caller, rule_id)
    kept = {name: getattr(row, name) for name in ("escalation_policy_id", "event_types")}
    _check({**kept, **values})
    await _check_references(session, caller, values)
    async with recording.changing(session, caller, _KIND, row, now):
        recording.assign(row, values)
    return row


async def delete(session: DatabaseSession, caller: Principal, rule_id: UUID, now: datetime) -> None:
    row = await owned(session, AlertRule, caller, rule_id)
    await recording.delete(session, caller, _KIND, row, now)
