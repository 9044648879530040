"""Alert rules and their parts as the API takes and shows them."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, StringConstraints

from tocsin.model import EventType, Fault, Severity
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
from tocsin.routing.validation import (
    COOLDOWN_LIMIT,
    LABEL_LIMIT,
    MATCHERS_LIMIT,
    VALUE_LIMIT,
    validate_matchers,
    validate_quiet_hours,
)

RuleEventType = Literal[
    EventType.TRIGGERED, EventType.ACKNOWLEDGED, EventType.RESOLVED, EventType.CLOSED
]
Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
WallTime = Annotated[
    str,
    StringConstraints(strict=True, pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$", max_length=5),
]


class Matcher(Input):
    """A label, or severity, source, type or title; `=~` and `!~` take an RE2 expression that must
    match the whole value. A label that is not there counts as empty."""

    label: Annotated[
        str, StringConstraints(strict=True, min_length=1, max_length=LABEL_LIMIT, pattern=NO_NUL)
    ]
    op: Literal["=", "!=", "=~", "!~"]
    value: Annotated[str, StringConstraints(strict=True, max_length=VALUE_LIMIT, pattern=NO_NUL)]


class QuietHoursIn(Input):
    """Days on which a quiet period begins; an end at or before the start is on the next day."""

    days: Annotated[list[Day], Field(min_length=1, max_length=7)]
    start: WallTime
    end: WallTime
    timezone: Timezone
    breakthrough_severity: Annotated[
        Severity | None, Field(description="Alerts at least this bad break through")
    ] = None


Matchers = Annotated[list[Matcher], Field(max_length=MATCHERS_LIMIT)]
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
        description="Seconds in which one problem is told once",
    ),
    Whole,
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
    destination_ids: list[Id]
    cooldown_seconds: int | None
    quiet_hours: JsonObject | None
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
    destination_ids: DestinationIds
    cooldown_seconds: Cooldown | None = None
    quiet_hours: QuietHoursIn | None = None
    position: Position = 0

    model_config = example(
        {
            "name": "Database alerts",
            "event_types": ["alerts.triggered", "alerts.resolved"],
            "min_severity": "HIGH",
            "matchers": [{"label": "service", "op": "=~", "value": "postgres|mysql"}],
            "destination_ids": [],
            "quiet_hours": {
                "days": ["sat", "sun"],
                "start": "00:00",
                "end": "00:00",
                "timezone": "Europe/Vienna",
                "breakthrough_severity": "CRITICAL",
            },
        }
    )


class AlertRulePatch(Input):
    name: Name = left_out()
    is_enabled: Flag = left_out()
    event_types: EventTypes = left_out()
    min_severity: Severity | None = None
    tenant_ids: TenantIds | None = None
    matchers: Matchers = left_out()
    destination_ids: DestinationIds = left_out()
    cooldown_seconds: Cooldown | None = None
    quiet_hours: QuietHoursIn | None = None
    position: Position = left_out()

    model_config = example({"is_enabled": False, "cooldown_seconds": 600})


def columns(body: Input, names: frozenset[str]) -> dict[str, Any]:
    """The members `names` of a body as the table keeps them."""
    values = {name: getattr(body, name) for name in names}
    if (matchers := values.get("matchers")) is not None:
        values["matchers"] = [matcher.model_dump() for matcher in matchers]
    if (quiet := values.get("quiet_hours")) is not None:
        values["quiet_hours"] = quiet.model_dump(mode="json")
    if (event_types := values.get("event_types")) is not None:
        values["event_types"] = [each.value for each in event_types]
    return values


def faults_of(values: dict[str, Any]) -> list[Fault]:
    """What is wrong with matchers and quiet hours beyond their shape."""
    faults = []
    if values.get("matchers"):
        faults += validate_matchers(values["matchers"])
    if values.get("quiet_hours") is not None:
        faults += validate_quiet_hours(values["quiet_hours"])
    return faults
