"""What a rule in its form would have done to the alerts of the last days."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from tocsin.console.forms.matcher_lines import read_labels, read_matchers
from tocsin.console.forms.past_days import past_days
from tocsin.console.getting_in.door import Call
from tocsin.console.notifying.rule_form import Values, read_unless, read_windows
from tocsin.explain.preview import count_groups, draft_rule, over_soon, try_rule
from tocsin.model import Severity
from tocsin.routing.quiet_hours import QuietHours
from tocsin.routing.rules import Rule, VerdictCode
from tocsin.routing.validation import validate_quiet_hours
from tocsin.store.queries.alerts import PastAlert

_SHOWN = 5


@dataclass(frozen=True, slots=True)
class RuleTrial:
    """What the rule would have done."""

    matched: int
    considered: int
    over_soon: int
    excepted: int
    in_quiet_hours: int
    """Of those that would have gone out: how many would have waited for their end."""
    groups: int | None
    """Into how many they would have been gathered; None: each is by itself."""
    shown: Sequence[PastAlert]


async def try_values(call: Call, values: Values) -> RuleTrial | None:
    """By what says which alerts it is for, whatever the other fields say; None while that cannot be
    read."""
    matchers, fault = read_matchers(values["matchers"])
    unless, faults = read_unless(values["unless"])
    if fault or faults:
        return None
    least = values["min_severity"]
    rule = draft_rule(
        matchers,
        Severity(least) if least in Severity.__members__ else None,
        _ids(values["tenant_ids"]) or None,
        [each for each in unless if each],
    )
    if not isinstance(rule, Rule):
        return None
    outcome = await try_rule(rule, await past_days(call))
    by = read_labels(values["group_by"])
    return RuleTrial(
        matched=len(outcome.matched),
        considered=outcome.considered,
        over_soon=over_soon(outcome.matched),
        excepted=outcome.refusals.get(VerdictCode.UNLESS, 0),
        in_quiet_hours=_quiet(values, outcome.matched),
        groups=count_groups(outcome.matched, by) if values["gathers"] else None,
        shown=outcome.matched[:_SHOWN],
    )


def _quiet(values: Values, alerts: Sequence[PastAlert]) -> int:
    """0 while the quiet hours cannot be read."""
    windows, faults = read_windows(values["quiet_hours"])
    if faults or validate_quiet_hours(windows):
        return 0
    hours = QuietHours.from_documents(windows)
    if hours is None:
        return 0
    return sum(hours.hold(each.severity, each.triggered_at) is not None for each in alerts)


def _ids(texts: Sequence[str]) -> list[UUID]:
    found = []
    for each in texts:
        try:
            found.append(UUID(each))
        except ValueError:
            continue
    return found
