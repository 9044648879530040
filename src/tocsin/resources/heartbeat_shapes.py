"""Heartbeats as they are asked for and shown."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, StringConstraints

from tocsin.heartbeats.beat import ChangeReason, HeartbeatState, PingKind, PingOutcome
from tocsin.heartbeats.schedule import EXPRESSION_LENGTH, EXPRESSIONS, LONGEST, ScheduleKind
from tocsin.model import LABEL_VALUE_LIMIT, Severity
from tocsin.resources.fields import (
    Flag,
    Id,
    Input,
    JsonObject,
    Labels,
    Line,
    Name,
    Note,
    Output,
    Slug,
    Time,
    Timezone,
    Whole,
    example,
    left_out,
    unique,
)
from tocsin.resources.rules import Matchers
from tocsin.store.queries.heartbeats import ShownHeartbeatState

_LONGEST_SECONDS = int(LONGEST.total_seconds())
LABELS_LIMIT = 50

Period = Annotated[
    int,
    Field(strict=True, ge=60, le=_LONGEST_SECONDS, description="Seconds between two pings"),
    Whole,
]
Grace = Annotated[
    int,
    Field(
        strict=True,
        ge=60,
        le=_LONGEST_SECONDS,
        description="Seconds that a ping may be late before it counts as missed",
    ),
    Whole,
]
MaxRun = Annotated[
    int,
    Field(
        strict=True,
        ge=1,
        le=_LONGEST_SECONDS,
        description="Seconds from a start to its end; null: runs are not timed",
    ),
    Whole,
]
FirstWithin = Annotated[
    int,
    Field(
        strict=True,
        ge=60,
        le=_LONGEST_SECONDS,
        description="Seconds that it may wait for its first ping; null: forever",
    ),
    Whole,
]
RecoveryPings = Annotated[
    int,
    Field(strict=True, ge=1, le=100, description="So many successes in a row end a failure"),
    Whole,
]
_Expression = Annotated[
    str,
    StringConstraints(
        strict=True, min_length=1, max_length=EXPRESSION_LENGTH, pattern=r"^[^\x00-\x1f\x7f]+$"
    ),
]
Expressions = Annotated[
    list[_Expression],
    Field(
        max_length=EXPRESSIONS,
        description="One of cron (five fields), or some of systemd's OnCalendar",
    ),
]
PingToken = Annotated[
    str,
    StringConstraints(strict=True, min_length=16, max_length=100, pattern=r"^[A-Za-z0-9_-]+$"),
    Field(description="Left out: one is made. Set it to keep the address that a job has"),
]
_LabelName = Annotated[
    str, StringConstraints(strict=True, min_length=1, max_length=200, pattern=r"^[^\x00]+$")
]
_LabelValue = Annotated[
    str, StringConstraints(strict=True, max_length=LABEL_VALUE_LIMIT, pattern=r"^[^\x00]*$")
]
AlertLabels = Annotated[dict[_LabelName, _LabelValue], Field(max_length=LABELS_LIMIT)]
BoundLabels = Annotated[
    list[_LabelName],
    Field(max_length=5, json_schema_extra={"uniqueItems": True}),
    AfterValidator(unique),
]
Methods = Literal["any", "post"]


class ConfiguredHeartbeat(Output):
    """What is configured of it, as the audit log keeps it."""

    id: Id
    workspace_id: Id
    tenant_id: Id
    integration_id: Id
    name: str
    slug: str
    description: str | None
    alert_title: str | None
    kind: ScheduleKind
    period_seconds: int | None
    expressions: list[str]
    timezone: str
    grace_seconds: int
    max_run_seconds: int | None
    severity: Severity
    labels: Labels
    methods: Methods
    manual_resume: bool
    recovery_pings: int
    expect_first_within_seconds: int | None
    bound_integration_id: Id | None
    bound_matchers: list[JsonObject] | None
    bound_labels: list[str]
    parent_id: Annotated[Id | None, Field(description="The bound heartbeat that it is one of")]
    created_at: Time
    updated_at: Time


class HeartbeatOut(ConfiguredHeartbeat):
    ping_url: Annotated[str | None, Field(description="Where it pings; the token is not shown")]
    state: ShownHeartbeatState
    waiting_since: Annotated[Time | None, Field(description="For its first ping")]
    last_ping_at: Annotated[Time | None, Field(description="The newest success or fail")]
    started_at: Annotated[Time | None, Field(description="Of the run that has not ended")]
    expected_at: Annotated[Time | None, Field(description="When the next ping is expected")]
    due_at: Annotated[Time | None, Field(description="When it counts as missed")]
    down_since: Time | None
    paused_until: Time | None
    ping_count: int
    last_duration_ms: int | None


class HeartbeatWithToken(HeartbeatOut):
    ping_token: Annotated[str, Field(description="It is never shown again")]


class _Expected(Input):
    """What may be set when it is made and changed afterwards."""

    description: Annotated[
        Note | None, Field(description="What it is for and what to do; its alerts say it")
    ] = None
    alert_title: Annotated[
        Line | None,
        Field(description="Of the alert when no ping came in time; null: made of the name"),
    ] = None
    expressions: Expressions = left_out()
    timezone: Timezone = left_out()
    grace_seconds: Grace = left_out()
    max_run_seconds: MaxRun | None = None
    severity: Severity = left_out()
    labels: AlertLabels = left_out()
    methods: Annotated[
        Methods, Field(description="post: what only looks at the address does not count")
    ] = left_out()
    manual_resume: Annotated[Flag, Field(description="A ping does not end a pause")] = left_out()
    recovery_pings: RecoveryPings = left_out()
    expect_first_within_seconds: FirstWithin | None = None

    def columns(self) -> dict[str, Any]:
        """What the request named, as the table keeps it."""
        values = self.given()
        if "kind" in values:
            values["kind"] = values["kind"].value
        if values.get("bound_matchers") is not None:
            values["bound_matchers"] = [each.model_dump() for each in values["bound_matchers"]]
        return values


class HeartbeatIn(_Expected):
    name: Name
    slug: Annotated[Slug, Field(description="Left out: made of the name")] = left_out()
    kind: ScheduleKind = ScheduleKind.INTERVAL
    period_seconds: Period | None = None
    integration_id: Annotated[
        Id,
        Field(description="Of the type heartbeat. Left out: the workspace's first, or a new one"),
    ] = left_out()
    tenant_id: Annotated[Id, Field(description="Left out: that of its integration")] = left_out()
    ping_token: PingToken = left_out()
    bound_integration_id: Annotated[
        Id | None, Field(description="Its signals that match are the pings, and no alerts")
    ] = None
    bound_matchers: Annotated[
        Annotated[Matchers, Field(min_length=1)] | None,
        Field(description="Left out: alertname is Watchdog or DeadMansSwitch"),
    ] = None
    bound_labels: Annotated[
        BoundLabels,
        Field(default_factory=list, description="Each set of their values is expected by itself"),
    ]

    model_config = example(
        {"name": "Nightly backup", "kind": "cron", "expressions": ["30 2 * * *"],
         "timezone": "Europe/Vienna", "grace_seconds": 3600}
    )  # fmt: skip


class HeartbeatPatch(_Expected):
    name: Name = left_out()
    slug: Slug = left_out()
    kind: ScheduleKind = left_out()
    period_seconds: Period | None = None
    tenant_id: Id = left_out()
    bound_matchers: Annotated[Matchers, Field(min_length=1)] = left_out()

    model_config = example({"grace_seconds": 7200, "severity": "CRITICAL"})


class Pause(Input):
    until: Annotated[Time | None, Field(description="Null: until somebody resumes it")] = None

    model_config = example({"until": "2036-01-01T00:00:00Z"})


class TokenRotation(Input):
    ping_token: PingToken = left_out()

    model_config = example({"ping_token": "f4b7f9cc-6a0e-4f6f-9d2f-1f1d2c3b4a59"})


class HeartbeatPingOut(Output):
    number: Annotated[int, Field(description="Counted from the first ping")]
    at: Time
    kind: PingKind
    outcome: PingOutcome
    exit_code: int | None
    run_id: Id | None
    duration_ms: int | None
    method: str
    body: str | None


class HeartbeatChangeOut(Output):
    id: Id
    at: Time
    before: HeartbeatState
    after: HeartbeatState
    reason: ChangeReason
    exit_code: int | None
