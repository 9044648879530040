"""One table of status words: what a tool calls the state of an alert, and what it asks for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from tocsin.model import SignalKind

_TRIGGER: Final = SignalKind.TRIGGER

_WORDS: Final[Mapping[SignalKind, str]] = {
    SignalKind.TRIGGER: "firing fire fired trigger triggered retriggered problem down open opened"
    " reopened alarm alert alerting active activated critical warning error failed failing failure"
    " unacknowledged new started created",
    SignalKind.ACKNOWLEDGE: "acknowledge acknowledged ack acked investigating",
    SignalKind.RESOLVE: "resolve resolved ok up close closed recover recovered recovery clear"
    " cleared fixed normal success succeeded healthy ended inactive",
}

KINDS: Final[Mapping[str, SignalKind]] = {
    word: kind for kind, words in _WORDS.items() for word in words.split()
}

_get = KINDS.get


def parse_kind(word: str) -> tuple[SignalKind, bool]:
    """What a status word asks for, and whether nobody knows the word: it then triggers, because
    an alert too many is better than one too few. A blank word triggers too."""
    if (kind := _get(word)) is not None:
        return kind, False
    stripped = word.strip().lower()
    if not stripped:
        return _TRIGGER, False
    kind = _get(stripped)
    return (_TRIGGER, True) if kind is None else (kind, False)
