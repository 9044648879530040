"""The lines of the form in which people say how they are paged, and when not: pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any

from tocsin.model import Urgency
from tocsin.store.tables import NotificationRule

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_SPARE_RULES = 2
_SPARE_QUIET = 1
_WISHES: Mapping[str, bool | None] = {"": None, "yes": True, "no": False}


@dataclass(frozen=True, slots=True)
class RuleLine:
    """So many minutes after the page began, by this contact method; as entered, right or wrong."""

    urgency: str
    minutes: str
    contact_method_id: str
    wrong: str = ""
    says_end: str = ""
    """Whether it also says that it is over: yes, no, or as is usual for its kind."""

    @property
    def is_empty(self) -> bool:
        return not self.contact_method_id


@dataclass(frozen=True, slots=True)
class QuietLine:
    days: Sequence[str]
    start: str = ""
    end: str = ""
    timezone: str = ""


def rule_lines(rules: Sequence[NotificationRule]) -> list[RuleLine]:
    return [
        RuleLine(
            each.urgency,
            _minutes(each.delay_seconds),
            str(each.contact_method_id),
            says_end=next(word for word, wish in _WISHES.items() if wish is each.says_end),
        )
        for each in rules
    ]


def by_urgency(lines: Sequence[RuleLine]) -> list[tuple[str, list[RuleLine]]]:
    """Both lists, each with some lines to fill in."""
    made = []
    for urgency in Urgency:
        mine = [each for each in lines if each.urgency == urgency and not each.is_empty]
        spare = [RuleLine(urgency.value, "", "")] * _SPARE_RULES
        made.append((urgency.value, [*mine, *spare]))
    return made


def read_rule_lines(fields: Sequence[tuple[str, str]]) -> list[RuleLine]:
    """As they were entered, those without a contact method left out; the soonest first."""
    lines = []
    for urgency in Urgency:
        minutes = [value for name, value in fields if name == f"{urgency.value}-minutes"]
        methods = [value for name, value in fields if name == f"{urgency.value}-method"]
        ends = [value for name, value in fields if name == f"{urgency.value}-end"]
        for after, method, end in zip_longest(minutes, methods, ends, fillvalue=""):
            line = RuleLine(urgency.value, after.strip(), method)
            if not line.is_empty:
                wrong = (
                    "" if _seconds(line.minutes) is not None else "A number of minutes, up to 1440."
                )
                lines.append(RuleLine(line.urgency, line.minutes, method, wrong, end))
    return sorted(lines, key=lambda each: (each.urgency, _seconds(each.minutes) or 0))


def rule_documents(lines: Sequence[RuleLine]) -> list[dict[str, Any]]:
    """As the API takes them; none of them is wrong."""
    return [
        {
            "urgency": each.urgency,
            "delay_seconds": _seconds(each.minutes),
            "contact_method_id": each.contact_method_id,
            "says_end": _WISHES.get(each.says_end),
        }
        for each in lines
    ]


def quiet_lines(windows: Sequence[Mapping[str, Any]] | None) -> list[QuietLine]:
    """Those there are, and one to fill in."""
    known = [
        QuietLine(each["days"], each["start"], each["end"], each.get("timezone") or "")
        for each in windows or ()
    ]
    return [*known, *[QuietLine(DAYS)] * _SPARE_QUIET]


def read_quiet_lines(fields: Sequence[tuple[str, str]]) -> list[dict[str, Any]]:
    """As the API takes them; a line without a start and an end is left out."""
    numbers = [value for name, value in fields if name == "quiet"][:50]
    known = dict(fields)
    windows = []
    for number in numbers:
        start, end = known.get(f"start-{number}", ""), known.get(f"end-{number}", "")
        if not start and not end:
            continue
        days = [value for name, value in fields if name == f"day-{number}"]
        windows.append(
            {
                "days": days,
                "start": start[:5],
                "end": end[:5],
                "timezone": known.get(f"zone-{number}") or None,
            }
        )
    return windows


def _minutes(seconds: int) -> str:
    return f"{seconds / 60:g}"


def _seconds(minutes: str) -> int | None:
    try:
        seconds = float(minutes.replace(",", ".") or "0") * 60
    except ValueError:
        return None
    return round(seconds) if 0 <= seconds <= 86_400 else None
