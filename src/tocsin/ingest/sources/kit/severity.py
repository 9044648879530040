"""One table of severity words for all sources. An unknown word is never refused: it means the
integration's default severity, and a flag says so.

`p1`, `sev1` and the bare number 1 are on one scale, worst first (0 is as bad as 1), so that
a tool that counts from zero notifies too loudly rather than not at all.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from tocsin.model import Severity

_CRITICAL, _HIGH, _MEDIUM, _LOW, _INFO = Severity

_WORDS: Final[Mapping[Severity, str]] = {
    _CRITICAL: "critical crit fatal emergency emerg alert page disaster panic blocker urgent",
    _HIGH: "high error err major severe",
    _MEDIUM: "medium med moderate warning warn average",
    _LOW: "low minor notice",
    _INFO: "info information informational none note normal ok success debug trace",
}

_SCALE: Final = (_CRITICAL, _CRITICAL, _HIGH, _MEDIUM, _LOW, _INFO)

SEVERITIES: Final[Mapping[str, Severity]] = {
    **{word: severity for severity, words in _WORDS.items() for word in words.split()},
    "not classified": _INFO,
    **{
        f"{prefix}{number}": severity
        for number, severity in enumerate(_SCALE)
        for prefix in ("", "p", "sev", "sev-", "s")
    },
}

_get = SEVERITIES.get
_LONGEST: Final = 40
# `Sev 1`, `priority-2`.
_NUMBERED: Final = re.compile(r"(?:p|prio|priority|s|sev|severity)[\s_:-]*([0-5])")
# `1 - Critical`, `P2: High`.
_TWICE: Final = re.compile(r"([^\s:-]+(?: ?-?[0-5])?)(?:\s*[:–]\s*|\s*-\s*)([a-z]+)")


def parse_severity(value: Any) -> tuple[Severity | None, bool]:
    """The severity that a value means, and whether the value is one that nobody knows.

    None, a blank string: (None, False). An unknown word, a number off the scale, a value of
    another type: (None, True).
    """
    if type(value) is str:
        if (severity := _get(value)) is not None:
            return severity, False
        word = value.strip().lower()
        if not word:
            return None, False
        severity = _get(word) or _composed(word)
        return severity, severity is None
    if value is None:
        return None, False
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        if value in (0, 1, 2, 3, 4, 5):
            return _SCALE[int(value)], False
        return None, True
    return None, True


def _composed(word: str) -> Severity | None:
    """What a word and a number say together, of two the worse; nothing if only one of them is known."""
    if len(word) > _LONGEST:
        return None
    if (found := _NUMBERED.fullmatch(word)) is not None:
        return _SCALE[int(found[1])]
    if (found := _TWICE.fullmatch(word)) is None:
        return None
    first, second = _get(found[1]) or _composed(found[1]), _get(found[2])
    if first is None or second is None:
        return None
    return max(first, second, key=lambda severity: severity.rank)
