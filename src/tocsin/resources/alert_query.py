"""The query bar of the list of alerts: text as a person types it, to what is asked for.

    severity:critical,high status:open host=~db.* age<2h -tag:test "no space"

A word with a name before it is a condition, all others are looked for in the alert's texts. `,` is or,
`-` before it is not, `*` stands for anything, `=~` is a regular expression.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Set
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import re2

from tocsin.model import AlertStatus, Severity
from tocsin.model.alert_filter import AlertFilter, Comparison, TextCondition

LONGEST = 1_000
MOST_TERMS = 30
LONGEST_REGEX = 200

_TERM = re.compile(
    r"(?P<name>[A-Za-z_][\w.\-/]*)(?P<sign>=~|!~|!=|<=|>=|[:=<>~])(?P<value>.*)\Z", re.DOTALL
)
_UNITS = {"s": 1, "m": 60, "min": 60, "h": 3_600, "d": 86_400, "w": 604_800}
_OWN = frozenset({"title", "source", "type", "tenant", "owner"})


@dataclass(slots=True)
class _Reading:
    now: datetime
    found: AlertFilter = field(default_factory=AlertFilter)

    def take(self, **changes: Any) -> None:
        self.found = replace(self.found, **changes)

    def fault(self, words: str) -> None:
        self.take(faults=(*self.found.faults, words))


def read_query(text: str, now: datetime) -> AlertFilter:
    """What `text` asks for; what it says that cannot be understood stands in `faults`."""
    reading = _Reading(now)
    if len(text) > LONGEST or "\0" in text:
        reading.fault(f"A filter has at most {LONGEST} characters, and no NUL.")
        return reading.found
    terms = split(text)
    if len(terms) > MOST_TERMS:
        reading.fault(f"A filter has at most {MOST_TERMS} parts; the rest is left out.")
    for term in terms[:MOST_TERMS]:
        _take(term, reading)
    return reading.found


def split(text: str) -> list[str]:
    """Its parts, apart by spaces outside quotation marks."""
    lexer = shlex.shlex(text, posix=True, punctuation_chars=False)
    lexer.whitespace_split = True
    lexer.quotes = '"'
    lexer.escape = ""
    lexer.commenters = ""
    try:
        return list(lexer)
    except ValueError:
        # A quotation mark that is still open, as while one types.
        return text.replace('"', " ").split()


def _take(term: str, reading: _Reading) -> None:
    negated = term.startswith("-") and len(term) > 1
    match = _TERM.match(term[1:] if negated else term)
    if match is None:
        if negated:
            reading.fault(f"“{term}”: name what must not be, as in -host:db1.")
            return
        reading.take(words=(*reading.found.words, term))
        return
    name, sign, value = match["name"], match["sign"], match["value"]
    if sign in ("!=", "!~"):
        negated, sign = not negated, "=" if sign == "!=" else "=~"
    if not value:
        reading.fault(f"“{term}”: say what {name} is to be.")
        return
    special = _SPECIAL.get(name.lower())
    if special is not None:
        special(sign, value, negated, reading)
        return
    if sign in ("<", ">", "<=", ">="):
        reading.fault(f"“{term}”: only age and count can be less or more.")
        return
    _take_text(name, sign, value, negated, reading)


def _take_text(name: str, sign: str, value: str, negated: bool, reading: _Reading) -> None:
    if sign == ":" and value.startswith("~"):
        sign, value = "=~", value[1:]
    is_label = name.lower() not in _OWN
    comparison = Comparison.MATCHES if sign in ("=~", "~") else Comparison.IS
    if comparison is Comparison.MATCHES:
        if len(value) > LONGEST_REGEX or not _is_regex(value):
            reading.fault(f"“{value}” is not a regular expression that can be used (RE2 syntax).")
            return
        values: tuple[str, ...] = (value,)
    else:
        values = tuple(each for each in value.split(",") if each)
    condition = TextCondition(
        name if is_label else name.lower(), comparison, values, negated, is_label
    )
    reading.take(conditions=(*reading.found.conditions, condition))


def _is_regex(value: str) -> bool:
    options = re2.Options()
    options.log_errors = False
    try:
        re2.compile(value, options)
    except re2.error:
        return False
    return True


def _take_severity(sign: str, value: str, negated: bool, reading: _Reading) -> None:
    named = {severity.value: severity for severity in Severity}
    wanted = set()
    for word in value.upper().split(","):
        severity = named.get(word) or next(
            (each for name, each in named.items() if word and name.startswith(word)), None
        )
        if severity is None:
            reading.fault(
                f"There is no severity “{word.lower()}”: critical, high, medium, low, info."
            )
            return
        wanted.add(severity)
    if sign in (">=", ">", "<=", "<"):
        (least,) = list(wanted)[:1]
        above = sign.startswith(">")
        wanted = {
            each
            for each in Severity
            if ((each.rank > least.rank) is above and each is not least)
            or (each is least and sign.endswith("="))
        }
    _narrow(reading, "severities", wanted, frozenset(Severity), negated)


def _take_status(sign: str, value: str, negated: bool, reading: _Reading) -> None:
    wanted: set[AlertStatus] = set()
    for word in value.upper().split(","):
        if word == "LIVE":
            wanted |= {each for each in AlertStatus if each.is_live}
        elif word in AlertStatus.__members__:
            wanted.add(AlertStatus[word])
        else:
            known = "open, acknowledged, resolved, closed"
            reading.fault(f"There is no status “{word.lower()}”: {known}.")
            return
    _narrow(reading, "statuses", wanted, frozenset(AlertStatus), negated)


def _narrow(
    reading: _Reading, name: str, wanted: Set[Any], every: frozenset[Any], negated: bool
) -> None:
    chosen = every - wanted if negated else frozenset(wanted)
    before = getattr(reading.found, name)
    both = before & chosen if before else chosen
    if not both:
        reading.fault("Nothing can be all of that at once.")
        return
    reading.take(**{name: both})


def _take_age(sign: str, value: str, negated: bool, reading: _Reading) -> None:
    match = re.fullmatch(r"(\d{1,6})\s*([a-z]+)", value.lower())
    unit = None if match is None else _UNITS.get(match[2])
    if match is None or unit is None or sign not in ("<", ">", "<=", ">="):
        reading.fault("An age is written as in age<2h or age>7d; units are s, m, h, d, w.")
        return
    edge = reading.now - timedelta(seconds=int(match[1]) * unit)
    younger = sign.startswith("<") is not negated
    if younger:
        reading.take(since=edge)
    else:
        reading.take(until=edge)


def _take_count(sign: str, value: str, negated: bool, reading: _Reading) -> None:
    if not value.isdecimal() or len(value) > 9 or sign not in (">", ">=") or negated:
        reading.fault("A count is written as in count>10.")
        return
    reading.take(least_count=int(value) + (sign == ">"))


def _take_held(sign: str, value: str, negated: bool, reading: _Reading) -> None:
    if value.lower() not in ("yes", "no", "true", "false") or sign not in (":", "="):
        reading.fault("Write held:yes or held:no.")
        return
    reading.take(held=(value.lower() in ("yes", "true")) is not negated)


_SPECIAL: dict[str, Callable[[str, str, bool, _Reading], None]] = {
    "severity": _take_severity,
    "sev": _take_severity,
    "status": _take_status,
    "is": _take_status,
    "age": _take_age,
    "count": _take_count,
    "held": _take_held,
}


def without(text: str, name: str) -> str:
    """The query less every condition of that name: what a facet of it replaces."""
    kept = []
    for term in split(text):
        match = _TERM.match(term.removeprefix("-"))
        if match is None or match["name"].lower() != name.lower():
            kept.append(f'"{term}"' if " " in term else term)
    return " ".join(kept)
