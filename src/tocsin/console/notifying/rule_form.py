"""The form of an alert rule: from what stands in its fields to what the API takes, and back. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from tocsin.console.forms.durations import fault_of_duration, read_duration, write_duration
from tocsin.console.forms.matcher_lines import (
    read_labels,
    read_matchers,
    write_labels,
    write_matchers,
)
from tocsin.console.forms.number_lists import MONTHS, read_numbers, write_numbers
from tocsin.console.forms.repeated_fields import Part, one, read_parts, rearranged
from tocsin.console.on_call.schedule_lines import write_hours
from tocsin.model import EventType
from tocsin.resources.rules import AlertRuleIn
from tocsin.routing.quiet_hours import DAYS
from tocsin.routing.validation import (
    COOLDOWN_LIMIT,
    EXEMPTIONS_LIMIT,
    GROUP_INTERVAL_LIMIT,
    GROUP_LINGER_LIMIT,
    GROUP_WAIT_LIMIT,
    REMINDER_LEAST,
    REMINDER_LIMIT,
    WINDOWS_LIMIT,
)

PARTS = {
    "unless": ("matchers",),
    "quiet_hours": (
        "start",
        "end",
        "days",
        "timezone",
        "months",
        "days_of_month",
        "breakthrough_severity",
    ),
}
"""Of each member that is a list: the fields of one of its parts."""
_MOST_PARTS = {"unless": EXEMPTIONS_LIMIT, "quiet_hours": WINDOWS_LIMIT}
_TELLING = {"unless": ("matchers",), "quiet_hours": ("start", "end")}
"""Without any of these, a part is empty."""
_LISTS = ("destination_ids", "event_types", "tenant_ids")
_YES, _NO = "yes", "no"
_GROUP_TIMES = {
    "group_wait_seconds": (0, GROUP_WAIT_LIMIT),
    "group_interval_seconds": (1, GROUP_INTERVAL_LIMIT),
    "group_linger_seconds": (0, GROUP_LINGER_LIMIT),
}
_TIMES = {
    "cooldown_seconds": (0, COOLDOWN_LIMIT),
    "remind_every_seconds": (REMINDER_LEAST, REMINDER_LIMIT),
    **_GROUP_TIMES,
}
"""The least and the most of each, in seconds."""

Values = Mapping[str, Any]


def usual_values() -> dict[str, Any]:
    """What a new rule begins with."""
    return {
        "name": "",
        "is_enabled": _YES,
        "event_types": [EventType.TRIGGERED.value, EventType.RESOLVED.value],
        "min_severity": "",
        "tenant_ids": [],
        "matchers": "",
        "unless": [],
        "destination_ids": [],
        "cooldown_seconds": "",
        "cooldown_breakthrough_severity": "",
        "quiet_hours": [],
        "remind_every_seconds": "",
        "gathers": "",
        "group_by": "",
        **{name: write_duration(_usual(name)) for name in _GROUP_TIMES},
        "escalation_policy_id": "",
        "position": "0",
    }


def _usual(name: str) -> Any:
    return AlertRuleIn.model_fields[name].default


def values_of(rule: Mapping[str, Any]) -> dict[str, Any]:
    """What stands in the form of a rule that is there, by its columns."""
    group_by = rule["group_by"]
    return {
        "name": rule["name"],
        "is_enabled": _YES if rule["is_enabled"] else _NO,
        "event_types": list(rule["event_types"]),
        "min_severity": _word(rule["min_severity"]),
        "tenant_ids": [str(each) for each in rule["tenant_ids"] or ()],
        "matchers": write_matchers(rule["matchers"]),
        "unless": [{"matchers": [write_matchers(each)]} for each in rule["unless"]],
        "destination_ids": [str(each) for each in rule["destination_ids"]],
        "cooldown_breakthrough_severity": _word(rule["cooldown_breakthrough_severity"]),
        "quiet_hours": [_window_part(each) for each in rule["quiet_hours"] or ()],
        "gathers": "" if group_by is None else _YES,
        "group_by": write_labels(group_by or ()),
        **{name: write_duration(rule[name]) for name in _TIMES},
        "escalation_policy_id": str(rule["escalation_policy_id"] or ""),
        "position": str(rule["position"]),
    }


def _word(severity: Any) -> str:
    return "" if severity is None else str(severity.value)


def _window_part(window: Mapping[str, Any]) -> Part:
    return {
        "days": list(window["days"]),
        "start": [window["start"]],
        "end": [window["end"]],
        "timezone": [window["timezone"]],
        "months": [write_numbers(window.get("months") or (), MONTHS)],
        "days_of_month": [write_numbers(window.get("days_of_month") or ())],
        "breakthrough_severity": [window.get("breakthrough_severity") or ""],
    }


def blank_part(name: str, timezone: str) -> Part:
    if name == "unless":
        return {"matchers": [""]}
    return {"days": list(DAYS), "start": ["22:00"], "end": ["06:00"], "timezone": [timezone]}


def read_fields(fields: Sequence[tuple[str, str]], act: str) -> dict[str, Any]:
    """What was sent. Parts that say nothing are left out, unless `act` is about parts."""
    given = dict(fields)
    values: dict[str, Any] = {
        name: given.get(name, usual).strip()[:20_000]
        for name, usual in usual_values().items()
        if isinstance(usual, str)
    }
    for name in _LISTS:
        values[name] = [value for key, value in fields if key == name and value][:2_000]
    for name, names in PARTS.items():
        found = read_parts(fields, name, names, _MOST_PARTS[name] + 1)
        if not act.startswith(tuple(f"{each}:" for each in PARTS)):
            found = [part for part in found if any(one(part, key) for key in _TELLING[name])]
        values[name] = found
    return values


def rearrange(values: Values, act: str, timezone: str) -> dict[str, Any] | None:
    """After a button such as `unless:add` or `quiet_hours:remove-1`; None for any other."""
    name, colon, rest = act.partition(":")
    if not colon or name not in PARTS:
        return None
    parts = rearranged(values[name], rest, blank_part(name, timezone))
    return {**values, name: values[name] if parts is None else parts[: _MOST_PARTS[name]]}


def parts_shown(values: Values, name: str) -> list[dict[str, Any]]:
    """Every field of each part; of the days all that are ticked, of others the text."""
    return [
        {key: part.get(key, []) if key == "days" else one(part, key) for key in PARTS[name]}
        for part in values[name]
    ]


def document_of(values: Values) -> tuple[dict[str, Any], dict[str, str]]:
    """As the API has it, and what cannot be read, by field."""
    faults: dict[str, str] = {}
    document: dict[str, Any] = {
        "name": values["name"],
        "is_enabled": values["is_enabled"] != _NO,
        "event_types": values["event_types"],
        "min_severity": values["min_severity"] or None,
        "tenant_ids": values["tenant_ids"] or None,
        "destination_ids": values["destination_ids"],
        "cooldown_breakthrough_severity": values["cooldown_breakthrough_severity"] or None,
        "group_by": read_labels(values["group_by"]) if values["gathers"] == _YES else None,
        "escalation_policy_id": values["escalation_policy_id"] or None,
    }
    document["matchers"], fault = read_matchers(values["matchers"])
    if fault:
        faults["matchers"] = fault
    for name in _TIMES:
        document[name] = _read_time(name, values[name], faults)
    document["unless"], found = read_unless(values["unless"])
    faults |= found
    windows, found = read_windows(values["quiet_hours"])
    faults |= found
    document["quiet_hours"] = windows or None
    document["position"] = _read_position(values["position"], faults)
    if not values["event_types"]:
        faults["event_types"] = "Tick when somebody is notified, or it never is."
    return document, faults


def _read_time(name: str, text: str, faults: dict[str, str]) -> int | None:
    if not text:
        return _usual(name) if name in _GROUP_TIMES else None
    seconds = read_duration(text)
    if fault := fault_of_duration(seconds, *_TIMES[name]):
        faults[name] = fault
    return seconds


def _read_position(text: str, faults: dict[str, str]) -> int:
    if re.fullmatch(r"-?\d{1,7}", text or "0"):
        return int(text or "0")
    faults["position"] = "A whole number; those with lower ones stand first."
    return 0


def read_unless(parts: Sequence[Part]) -> tuple[list[list[dict[str, str]]], dict[str, str]]:
    """Lists of matchers, and what cannot be read, by field."""
    found, faults = [], {}
    for place, part in enumerate(parts):
        matchers, fault = read_matchers(one(part, "matchers"))
        if fault:
            faults[f"unless-{place}-matchers"] = fault
        found.append(matchers)
    return found, faults


def read_windows(parts: Sequence[Part]) -> tuple[list[dict[str, Any]], dict[str, str]]:
    """Windows of quiet hours, and what cannot be read, by field."""
    faults: dict[str, str] = {}
    return [_read_window(place, part, faults) for place, part in enumerate(parts)], faults


def _read_window(place: int, part: Part, faults: dict[str, str]) -> dict[str, Any]:
    def fault(name: str, words: str) -> None:
        faults[f"quiet_hours-{place}-{name}"] = words

    days = [each for each in part.get("days", ()) if each]
    if not days:
        fault("days", "Tick at least one day on which it begins.")
    for name in ("start", "end"):
        if not re.fullmatch(r"\d\d:\d\d", one(part, name)[:5]):
            fault(name, "A time of day, as in 22:00.")
    months, wrong = read_numbers(one(part, "months"), MONTHS, range(1, 13))
    if wrong:
        fault("months", f"“{wrong}” is no month; write for instance jan-mar, dec.")
    dates, wrong = read_numbers(one(part, "days_of_month"), (), range(-31, 32))
    if wrong:
        fault("days_of_month", f"“{wrong}” is no day of a month; write for instance 1-7, -1.")
    return {
        "days": days,
        "start": one(part, "start")[:5],
        "end": one(part, "end")[:5],
        "timezone": one(part, "timezone"),
        "months": months or None,
        "days_of_month": dates or None,
        "breakthrough_severity": one(part, "breakthrough_severity") or None,
    }


def section_words(values: Values) -> dict[str, str]:
    """What each folded section says, in a few words; empty where it says nothing."""
    exceptions, tenants = len(values["unless"]), len(values["tenant_ids"])
    gathered = ", ".join(read_labels(values["group_by"]))
    often = []
    if values["cooldown_seconds"]:
        often.append(f"once in {values['cooldown_seconds']}")
    if values["remind_every_seconds"]:
        often.append(f"again every {values['remind_every_seconds']}")
    windows = [
        {"days": part.get("days") or DAYS, "start": one(part, "start"), "end": one(part, "end")}
        for part in values["quiet_hours"]
        if set(part.get("days", ())) <= set(DAYS)
    ]
    place = values["position"] if values["position"] not in ("", "0") else ""
    return {
        "unless": _count(exceptions, "exception"),
        "tenants": _count(tenants, "tenant"),
        "group": (f"by {gathered}" if gathered else "all into one") if values["gathers"] else "",
        "often": ", ".join(often),
        "quiet_hours": write_hours(windows).replace("\n", "; "),
        "place": ", ".join(
            each
            for each in (
                "switched off" if values["is_enabled"] == _NO else "",
                f"place {place}" if place else "",
            )
            if each
        ),
    }


def _count(number: int, what: str) -> str:
    return "" if not number else f"{number} {what}{'' if number == 1 else 's'}"
