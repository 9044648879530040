"""How much a place looks like a field of an alert, and by what.

Two things speak for a place: how it is named, and what its values are. Numbers are points; they are
weighed against each other only, and a test says how often they are right.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC
from typing import Any, Final
from uuid import UUID

from tocsin.ingest.sources.kit.kinds import parse_kind
from tocsin.ingest.sources.kit.severity import parse_severity
from tocsin.ingest.sources.kit.times import parse_time
from tocsin.ingest.suggestion.places import Place
from tocsin.model import SignalKind

ENOUGH: Final = 6
"""Points below which nothing is suggested."""
LIKELY: Final = 9
SURE: Final = 12


@dataclass(frozen=True, slots=True)
class Likeness:
    points: float
    because: tuple[str, ...]

    @property
    def confidence(self) -> str:
        if self.points >= SURE:
            return "sure"
        return "likely" if self.points >= LIKELY else "guess"


NOTHING: Final = Likeness(0, ())

_SOMETHING_WORDS: Final = (
    "alert alerts alarm incident issue event problem monitor check rule condition current new last"
    " detail details data the my tocsin search group job test"
)
_SOMETHING: Final = frozenset(_SOMETHING_WORDS.split())
"""Words that may stand before a name and change little of what it says."""
_ELSEWHERE_WORDS: Final = (
    "user owner author creator assignee actor account org organization organisation customer sender"
    " receiver repository project sdk contact previous prior old runbook dashboard workflow policy"
    " responder responders team service region subscription tenant origin integration pull"
    " head commit branch schema version api logo image"
)
_ELSEWHERE: Final = frozenset(_ELSEWHERE_WORDS.split())
"""Words above or in a name by which it speaks of something besides the alert."""

_WRITTEN: Final[Mapping[str, Mapping[str, int]]] = {
    "title": {
        "title": 10,
        "subject": 8,
        "service output": 8,
        "headline": 9,
        "summary": 8,
        "alertname": 9,
        "alert rule": 9,
        "search name": 9,
        "alarm name": 8,
        "condition name": 6,
        "policy name": 4,
        "display title": 10,
        "rule name": 8,
        "name": 7,
        "msg": 6,
        "message": 6,
        "text": 3,
        "description": 2,
        "reason": 2,
    },
    "description": {
        "description": 10,
        "details": 8,
        "detail": 9,
        "body": 8,
        "text": 8,
        "output": 8,
        "summary": 7,
        "reason": 7,
        "state reason": 8,
        "new state reason": 10,
        "long service output": 9,
        "message": 7,
        "msg": 5,
        "content": 7,
        "error": 5,
        "raw": 5,
        "note": 4,
        "culprit": 5,
    },
    "severity": {
        "severity": 10,
        "sev": 9,
        "priority": 8,
        "prio": 8,
        "level": 7,
        "lvl": 7,
        "urgency": 6,
        "criticality": 8,
        "importance": 6,
        "severity level": 9,
        "service state": 5,
        "impact": 4,
    },
    "kind": {
        "status": 9,
        "state": 9,
        "st": 5,
        "action": 7,
        "event action": 10,
        "event type": 7,
        "type": 5,
        "transition": 9,
        "alert transition": 10,
        "notification type": 9,
        "monitor condition": 10,
        "new state value": 10,
        "new state": 9,
        "new status": 9,
        "phase": 7,
        "conclusion": 5,
        "kind": 5,
        "event": 5,
        "alert type friendly name": 9,
        "action group": 5,
        "update": 3,
    },
    "external_id": {
        "id": 8,
        "fingerprint": 10,
        "dedup key": 11,
        "deduplication key": 11,
        "alias": 9,
        "key": 6,
        "uid": 6,
        "uuid": 6,
        "guid": 6,
        "number": 3,
        "incident key": 9,
        "aggreg key": 9,
        "cycle key": 10,
        "arn": 5,
        "code": 4,
        "slug": 3,
        "iid": 4,
        "name": 1,
    },
    "triggered_at": {
        "start": 9,
        "starts": 9,
        "started": 10,
        "fired": 10,
        "triggered": 10,
        "opened": 9,
        "created": 8,
        "began": 9,
        "begin": 8,
        "since": 9,
        "first": 6,
        "lastservicestatechange": 6,
        "raised": 9,
        "detected": 7,
        "change": 5,
    },
    "occurred_at": {
        "timestamp": 8,
        "time": 7,
        "date": 6,
        "occurred": 9,
        "updated": 8,
        "sent": 5,
        "now": 5,
        "at": 4,
        "when": 6,
        "resolved": 6,
        "ended": 6,
        "modified": 6,
        "last": 4,
        "ts": 7,
    },
}
_NAMES: Final = {
    field: {name.replace(" ", ""): points for name, points in names.items()}
    for field, names in _WRITTEN.items()
}
_TIME_WORDS_WORDS: Final = "at time date timestamp on utc ts datetime seen triggered iso"
_TIME_WORDS: Final = frozenset(_TIME_WORDS_WORDS.split())
_URL: Final = re.compile(r"[a-z][a-z0-9+.-]*://", re.IGNORECASE)
_HEX: Final = re.compile(r"[0-9a-f]{16,}", re.IGNORECASE)


def likeness(name: str, place: Place, kinds: Mapping[int, Any]) -> Likeness:
    """How much `place` looks like the field `name`. `kinds`: what the state of each sample asks for,
    where a state was found."""
    by_name, named = _by_name(name, place)
    by_value, valued = _BY_VALUE[name](place, kinds)
    points = by_name + by_value + 2 * place.found_in / place.of - 0.4 * _depth(place)
    if by_name <= 0 or points < ENOUGH:
        return NOTHING
    return Likeness(points, tuple(part for part in (named, valued) if part))


def _depth(place: Place) -> int:
    by_number = sum(isinstance(step, int) for step in place.path)
    return len(place.path) + 4 * by_number + (2 if place.path[:1] == ("_root",) else 0)


def _by_name(field: str, place: Place) -> tuple[float, str]:
    words = place.words
    if field in ("triggered_at", "occurred_at"):
        found = _of_time(field, words)
    else:
        found = _of_name(_NAMES[field], words)
    elsewhere = _ELSEWHERE.intersection((*place.above, *words[:-1]))
    found -= 5 * len(elsewhere)
    return found, f"it is named {place.name}"


def _of_name(names: Mapping[str, int], words: tuple[str, ...]) -> float:
    for length in range(len(words), 0, -1):
        points = names.get("".join(words[-length:]))
        if points is None:
            continue
        strange = [word for word in words[:-length] if word not in _SOMETHING]
        return points + (0.5 if length < len(words) and not strange else 0) - 2 * len(strange)
    return 0


def _of_time(field: str, words: tuple[str, ...]) -> float:
    names = _NAMES[field]
    other = _NAMES["triggered_at" if field == "occurred_at" else "occurred_at"]
    said = [word for word in words if word not in _TIME_WORDS and word not in _SOMETHING]
    best = max((names[word] for word in words if word in names), default=0)
    strange = [word for word in said if word not in names]
    against = 5 if any(word in other and word not in names for word in said) else 0
    return best - 2 * len(strange) - against


def _texts(place: Place) -> list[str]:
    return [value for value in place.values if isinstance(value, str)]


def _share(place: Place, fits: Callable[[Any], bool]) -> float:
    return sum(map(fits, place.values)) / len(place.values)


def _is_id(value: Any) -> bool:
    if isinstance(value, int):
        return not isinstance(value, bool)
    if not isinstance(value, str) or not value or len(value) > 200:
        return False
    return " " not in value or value.count(" ") < 3


def _is_code(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return _HEX.fullmatch(text) is not None or text.isdigit()
    return True


def _is_time(value: Any) -> bool:
    if isinstance(value, str) and not any(character.isdigit() for character in value):
        return False
    at, doubtful = parse_time(value, UTC)
    return at is not None and not doubtful


def _is_address_or_time(text: str) -> bool:
    return bool(_URL.match(text)) or (_is_time(text) and not text.isdigit())


def _is_prose(value: Any) -> bool:
    return (
        isinstance(value, str)
        and len(value) >= 3
        and not _URL.match(value)
        and not _is_code(value)
        and not _is_time(value)
    )


def _title(place: Place, _: Mapping[int, Any]) -> tuple[float, str]:
    if _share(place, _is_prose) < 0.8:
        return -10, ""
    texts = _texts(place)
    if all(len(text) < 12 and _is_word(text) for text in texts):
        return -6, ""
    longest = max(map(len, texts))
    spaced = sum(" " in text for text in texts) / len(texts)
    points = 2 * spaced + (2 if len(place.values) > 1 else 0) - (4 if longest > 300 else 0)
    return points, "its values are short texts" if longest <= 300 else "its values are texts"


def _description(place: Place, _: Mapping[int, Any]) -> tuple[float, str]:
    if _share(place, _is_prose) < 0.8:
        return -10, ""
    texts = _texts(place)
    spaced = sum(" " in text for text in texts) / len(texts)
    long = sum(len(text) > 40 for text in texts) / len(texts)
    return 2 * spaced + 2 * long - (4 if spaced == 0 else 0), "its values are sentences"


def _is_word(text: str) -> bool:
    return not parse_kind(text)[1] or parse_severity(text)[0] is not None


def _severity(place: Place, _: Mapping[int, Any]) -> tuple[float, str]:
    known = _share(place, lambda value: parse_severity(value)[0] is not None)
    few = 1 if len(place.values) <= 6 else -4
    if known == 0:
        if any(isinstance(value, str) and len(value) > 30 for value in place.values):
            return -10, ""
        return -3 + few, "its words are not known, and need `severities`"
    words = ", ".join(str(value) for value in place.values[:4])
    if known < 1:
        return 2 + few, f"some of its values ({words}) are known severities"
    return 4 + few, f"all its values ({words}) are known severities"


def kind_of(value: Any) -> SignalKind | None:
    """What a state asks for, if the word is known."""
    if not isinstance(value, str):
        return None
    kind, doubtful = parse_kind(value)
    return None if doubtful else kind


def _kind(place: Place, _: Mapping[int, Any]) -> tuple[float, str]:
    if all(isinstance(value, bool) for value in place.values):
        return -10, ""
    if not all(isinstance(value, str) and len(value) <= 60 for value in place.values):
        return -10, ""
    known = _share(place, lambda value: kind_of(value) is not None)
    different = {kind_of(value) for value in place.values} - {None}
    words = ", ".join(str(value) for value in place.values[:4])
    if known == 0:
        return -3, f"its words ({words}) are not known, and need `kinds`"
    points = 4 * known + (4 if len(different) > 1 else 0) - (3 if len(place.values) > 8 else 0)
    said = "all" if known == 1 else "some of"
    return points, f"{said} its values ({words}) are known states"


def _external_id(place: Place, kinds: Mapping[int, Any]) -> tuple[float, str]:
    if _share(place, _is_id) < 1 or all(isinstance(value, bool) for value in place.values):
        return -10, ""
    if all(isinstance(value, str) and _is_address_or_time(value) for value in place.values):
        return -6, ""
    ends: dict[Any, set[Any]] = {}
    for number, value in place.by_sample.items():
        ends.setdefault(str(value), set()).add(kinds.get(number))
    joined = sum(len(each - {None}) > 1 for each in ends.values())
    if place.found_in > 3 and len(place.values) == 1:
        return -5, ""
    if joined:
        return 5, "a beginning and its end have the same value"
    if len({kind for kind in kinds.values() if kind is not None}) > 1:
        return -2, "it differs from sample to sample"
    return (1 if len(place.values) > 1 else 0), "its values look like ids"


def _time(place: Place, _: Mapping[int, Any]) -> tuple[float, str]:
    if _share(place, _is_time) < 0.6:
        return -10, ""
    return 4, "its values are times"


_BY_VALUE: Final[Mapping[str, Callable[[Place, Mapping[int, Any]], tuple[float, str]]]] = {
    "title": _title,
    "description": _description,
    "severity": _severity,
    "kind": _kind,
    "external_id": _external_id,
    "triggered_at": _time,
    "occurred_at": _time,
}
