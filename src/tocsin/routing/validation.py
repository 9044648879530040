"""What a user may write into a rule or a silence, and how a mistake is reported: every fault at once,
each with its place. Whoever calls knows the types of the columns; here is what they mean."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from difflib import get_close_matches
from typing import Any, Literal, get_args
from zoneinfo import available_timezones

from tocsin.model import EventType, Fault, Severity
from tocsin.routing.matchers import (
    BUILT_IN_LABELS,
    OPERATORS,
    OWN_LABEL,
    compile_condition,
    compile_pattern,
)
from tocsin.routing.quiet_hours import (
    DAYS,
    QuietHours,
    never_ends,
    time_zone,
    wall_time,
)

MATCHERS_LIMIT = 50
EXEMPTIONS_LIMIT = 20
WINDOWS_LIMIT = 10
LABEL_LIMIT = 200
VALUE_LIMIT = 2_000
ZONE_LIMIT = 100
GROUP_BY_LIMIT = 10
GROUP_WAIT_LIMIT = 15 * 60
GROUP_INTERVAL_LIMIT = 24 * 3600
GROUP_LINGER_LIMIT = 2 * 3600
COOLDOWN_LIMIT = 30 * 24 * 3600
"""Seconds."""
REMINDER_LEAST, REMINDER_LIMIT = 60, 30 * 24 * 3600

_MONTHS = frozenset(range(1, 13))
_DATES = frozenset(range(-31, 32)) - {0}
_ANY_MONDAY = datetime(2026, 1, 5, tzinfo=UTC)
_NOBODY_WRITES = "\x7f\x01\x7f"

RuleEventType = Literal[
    EventType.TRIGGERED, EventType.ACKNOWLEDGED, EventType.RESOLVED, EventType.CLOSED
]
RULE_EVENT_TYPES: tuple[RuleEventType, ...] = get_args(RuleEventType)
"""The events that a rule may name."""


def validate_silence(
    matchers: object, starts_at: datetime, ends_at: datetime, now: datetime
) -> list[Fault]:
    """For a silence about to be made or changed at `now`; times are aware."""
    faults = validate_matchers(matchers, required=True)
    if ends_at <= starts_at:
        faults.append(Fault("/ends_at", "not-after-start", "must be later than starts_at"))
    elif ends_at <= now:
        faults.append(Fault("/ends_at", "in-the-past", "the silence would be over already"))
    return faults


def validate_matchers(
    value: object, pointer: str = "/matchers", *, required: bool = False
) -> list[Fault]:
    """`required`, for silences: without a matcher that an alert has to have something for, it
    would mute the whole workspace (Alertmanager refuses such silences too)."""
    if not isinstance(value, list):
        return [Fault(pointer, "wrong-type", "a list of {label, op, value} is needed")]
    if len(value) > MATCHERS_LIMIT:
        return [Fault(pointer, "too-many", f"at most {MATCHERS_LIMIT} matchers")]
    faults = [
        fault
        for index, matcher in enumerate(value)
        for fault in _matcher_faults(matcher, f"{pointer}/{index}")
    ]
    if required and not faults and all(_asks_nothing(matcher) for matcher in value):
        words = "at least one matcher must ask for something, or everything would be silenced"
        faults.append(Fault(pointer, "matches-everything", words))
    return faults


def validate_unless(value: object, pointer: str = "/unless") -> list[Fault]:
    """Lists of matchers. One that every alert matches would make a rule that never applies."""
    if not isinstance(value, list):
        return [Fault(pointer, "wrong-type", "a list of lists of {label, op, value} is needed")]
    if len(value) > EXEMPTIONS_LIMIT:
        return [Fault(pointer, "too-many", f"at most {EXEMPTIONS_LIMIT} lists of matchers")]
    return [
        fault
        for index, matchers in enumerate(value)
        for fault in _exemption_faults(matchers, f"{pointer}/{index}")
    ]


def _exemption_faults(value: object, pointer: str) -> list[Fault]:
    faults = validate_matchers(value, pointer)
    if not faults and isinstance(value, list) and all(_asks_nothing(each) for each in value):
        words = "at least one matcher must ask for something, or the rule would never apply"
        faults.append(Fault(pointer, "matches-everything", words))
    return faults


def _matcher_faults(matcher: object, pointer: str) -> list[Fault]:
    if not isinstance(matcher, Mapping):
        return [Fault(pointer, "wrong-type", "an object with label, op and value is needed")]
    faults = _key_faults(matcher, ("label", "op", "value"), (), pointer)
    for key, limit in (("label", LABEL_LIMIT), ("value", VALUE_LIMIT)):
        if key in matcher:
            faults += _text_faults(matcher[key], limit, f"{pointer}/{key}")
    if matcher.get("label") in ("", OWN_LABEL):
        faults.append(Fault(f"{pointer}/label", "empty", "name the label to look at"))
    if "op" in matcher and matcher["op"] not in OPERATORS:
        faults.append(Fault(f"{pointer}/op", "unknown-operator", f"one of {' '.join(OPERATORS)}"))
    return faults or _value_faults(matcher["label"], matcher["op"], matcher["value"], pointer)


def _value_faults(label: str, op: str, value: str, pointer: str) -> list[Fault]:
    pointer = f"{pointer}/value"
    severities = [each.value for each in Severity]
    if op in ("=", "!="):
        if label == "severity" and value.upper() not in severities:
            known = ", ".join(severities)
            return [Fault(pointer, "unknown-severity", f"not a severity; choose from {known}")]
        return []
    try:
        pattern = compile_pattern(value, case_sensitive=label != "severity")
    except ValueError as error:
        return [Fault(pointer, "bad-pattern", f"not a usable regular expression: {error}")]
    if label == "severity" and not any(pattern.fullmatch(each) for each in severities):
        words = f"matches none of the severities: {', '.join(severities)}"
        return [Fault(pointer, "unknown-severity", words)]
    return []


def _asks_nothing(matcher: Mapping[str, str]) -> bool:
    """Whether an alert passes that lacks the label, so that it has the empty string for it. The built-in
    ones are never empty; there, passing every severity, or a text nobody writes, is a mistake."""
    label, op, value = matcher["label"], matcher["op"], matcher["value"]
    accepts = compile_condition(op, value, folded=label == "severity").accepts
    if label == "severity":
        return all(accepts(each.value) for each in Severity)
    return accepts(_NOBODY_WRITES if label in BUILT_IN_LABELS else "")


def validate_quiet_hours(value: object, pointer: str = "/quiet_hours") -> list[Fault]:
    if value is None:
        return []
    if not isinstance(value, list):
        words = "a list of windows with start, end and timezone is needed, or null"
        return [Fault(pointer, "wrong-type", words)]
    if len(value) > WINDOWS_LIMIT:
        return [Fault(pointer, "too-many", f"at most {WINDOWS_LIMIT} windows")]
    faults = [
        fault
        for index, window in enumerate(value)
        for fault in _window_faults(window, f"{pointer}/{index}")
    ]
    hours = None if faults else QuietHours.from_documents(value)
    if hours is not None and never_ends(hours.windows, _ANY_MONDAY):
        words = "quiet on every day around the clock never ends; switch the rule off instead"
        faults.append(Fault(pointer, "never-ends", words))
    return faults


def _window_faults(value: object, pointer: str) -> list[Fault]:
    if not isinstance(value, Mapping):
        words = "an object with start, end and timezone is needed"
        return [Fault(pointer, "wrong-type", words)]
    optional = ("days", "months", "days_of_month", "breakthrough_severity")
    faults = _key_faults(value, ("start", "end", "timezone"), optional, pointer)
    if "days" in value:
        faults += _day_faults(value["days"], f"{pointer}/days")
    faults += _number_faults(value.get("months"), _MONTHS, f"{pointer}/months")
    faults += _number_faults(value.get("days_of_month"), _DATES, f"{pointer}/days_of_month")
    for key in ("start", "end"):
        if key in value:
            faults += _time_faults(value[key], f"{pointer}/{key}")
    if "timezone" in value:
        faults += _zone_faults(value["timezone"], f"{pointer}/timezone")
    severity = value.get("breakthrough_severity")
    if severity is not None and severity not in tuple(Severity):
        words = f"one of {', '.join(Severity)}, or null if nothing may break through"
        faults.append(Fault(f"{pointer}/breakthrough_severity", "unknown-severity", words))
    return faults


def _number_faults(value: object, known: frozenset[int], pointer: str) -> list[Fault]:
    """Of a list of numbers that may be null."""
    if value is None:
        return []
    if not isinstance(value, list):
        return [Fault(pointer, "wrong-type", "a list of whole numbers is needed, or null")]
    if not value:
        return [Fault(pointer, "empty", "name at least one, or leave it out for all")]
    words = f"a whole number from {min(known)} to {max(known)}, and not 0"
    return [
        Fault(f"{pointer}/{index}", "out-of-range", words)
        for index, each in enumerate(value)
        if isinstance(each, bool) or not isinstance(each, int) or each not in known
    ]


def _day_faults(value: object, pointer: str) -> list[Fault]:
    known = ", ".join(DAYS)
    if not isinstance(value, list):
        return [Fault(pointer, "wrong-type", f"a list is needed, of some of: {known}")]
    if not value:
        return [Fault(pointer, "empty", f"name at least one of {known}")]
    return [
        Fault(f"{pointer}/{index}", "unknown-day", f"not a day; choose from {known}")
        for index, each in enumerate(value)
        if each not in DAYS
    ]


def _time_faults(value: object, pointer: str) -> list[Fault]:
    if not isinstance(value, str) or len(value) != len("HH:MM"):
        return [Fault(pointer, "bad-time", "a time as text is needed: HH:MM, such as 22:00")]
    try:
        wall_time(value)
    except ValueError as error:
        return [Fault(pointer, "bad-time", str(error))]
    return []


def _zone_faults(value: object, pointer: str) -> list[Fault]:
    faults = _text_faults(value, ZONE_LIMIT, pointer)
    if faults or not isinstance(value, str):
        return faults
    try:
        time_zone(value)
    except ValueError as error:
        near = get_close_matches(value, available_timezones(), n=3)
        hint = f"; did you mean {' or '.join(sorted(near))}?" if near else ""
        return [Fault(pointer, "unknown-timezone", f"{error}{hint}")]
    return []


def _text_faults(value: object, limit: int, pointer: str) -> list[Fault]:
    if not isinstance(value, str):
        return [Fault(pointer, "wrong-type", "text is needed")]
    if len(value) > limit:
        return [Fault(pointer, "too-long", f"at most {limit} characters")]
    if "\0" in value or (
        not value.isascii() and any("\ud800" <= each <= "\udfff" for each in value)
    ):
        # PostgreSQL stores neither in jsonb, and no label holds one.
        return [Fault(pointer, "bad-character", "holds NUL or half a surrogate pair")]
    return []


def _key_faults(
    value: Mapping[Any, Any], required: Iterable[str], optional: Iterable[str], pointer: str
) -> list[Fault]:
    required = tuple(required)
    known = (*required, *optional)
    missing = [
        Fault(f"{pointer}/{key}", "required", f"{key} is missing")
        for key in required
        if key not in value
    ]
    unknown = [
        Fault(f"{pointer}/{_escaped(str(key))}", "unknown-field", f"choose from {', '.join(known)}")
        for key in value
        if key not in known
    ]
    return missing + unknown


def _escaped(key: str) -> str:
    """A key as a token of a JSON pointer (RFC 6901, section 3)."""
    return key.replace("~", "~0").replace("/", "~1")
