"""One table of status words: what a tool calls the state of an alert, and what it asks for.

The words are those of Alertmanager, Grafana, Nagios, Icinga, Checkmk, Centreon, Zabbix, PRTG,
Sensu, CloudWatch, Datadog, New Relic, Opsgenie, Statuspage and their like. Case, blanks, hyphens,
underscores and dots in a word never matter.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from tocsin.model import SignalKind

_TRIGGER: Final = SignalKind.TRIGGER
_ACKNOWLEDGE: Final = SignalKind.ACKNOWLEDGE
_RESOLVE: Final = SignalKind.RESOLVE
_UNACKNOWLEDGE: Final = SignalKind.UNACKNOWLEDGE

# What happened. Another word that says to what may stand before or after it:
# `ResolvedCritical`, `incident opened`, `Recovered from Warn`.
_HAPPENED: Final[Mapping[SignalKind, str]] = {
    _TRIGGER: "firing fire fired trigger triggered retriggered renotify renotified opened reopened"
    " created started raised activated escalated unresolved",
    _ACKNOWLEDGE: "acknowledge acknowledged acknowledgement acknowledgment ack acked",
    _UNACKNOWLEDGE: "unacknowledge unacknowledged unack unacked",
    _RESOLVE: "resolve resolved closed recover recovered recovery cleared fixed ended"
    " autoresolved autoclosed solved",
}
# How things are.
_STATES: Final[Mapping[SignalKind, str]] = {
    _TRIGGER: "problem down open alarm alert alerting alarming active critical crit warning warn"
    " error fatal emergency major failed failing failure fail new unknown unreachable unavailable"
    " offline unhealthy degraded outage trouble broken breached exceeded nodata insufficientdata"
    " notok",
    _ACKNOWLEDGE: "investigating",
    _UNACKNOWLEDGE: "acknowledgementremoved acknowledgementcleared acknowledgementexpired",
    _RESOLVE: "ok okay up close clear normal success succeeded successful healthy inactive online"
    " available reachable passing passed restored deactivated operational backtonormal",
}
# Notices of Nagios and its relatives that are about no alert: of a planned downtime, of a state
# that changes too often to be notified, of what a handler did.
_NOTICES: Final = (
    "downtimestart downtimestarted downtimeend downtimeended downtimecancelled downtimecanceled"
    " downtimeremoved flappingstart flappingstarted flappingstop flappingstopped flappingend"
    " flappingended flappingdisabled alerthandler alerthandlerok alerthandlerfailed"
    " maintenance undermaintenance inmaintenance"
)
_NOUNS: Final = "alert alarm problem incident issue event host service monitor check"
_BEFORE: Final = (
    "critical crit warning warn error fatal emergency major minor high medium low info unknown down"
    " unreachable degraded auto automatically manually"
)
_AFTER: Final = "from no data nodata by user system"

_MAY_PRECEDE_A_STATE: Final = frozenset(_NOUNS.split())
_MAY_PRECEDE: Final = _MAY_PRECEDE_A_STATE | frozenset(_BEFORE.split())
_MAY_FOLLOW: Final = _MAY_PRECEDE | frozenset(_AFTER.split())

_BY_EVENT: Final = {word: kind for kind, words in _HAPPENED.items() for word in words.split()}

KINDS: Final[Mapping[str, SignalKind]] = {
    **{word: kind for kind, words in _STATES.items() for word in words.split()},
    **_BY_EVENT,
}

NOTICES: Final = frozenset(_NOTICES.split())

IGNORE: Final = "ignore"
"""What a word of a user's own may mean besides a kind: nothing about an alert."""
KIND_NAMES: Final = (*(kind.value for kind in SignalKind), IGNORE)

OwnKinds = Mapping[str, SignalKind | None]
"""Words of an integration's own, squeezed, and what they ask for; None: nothing about an alert."""
NO_KINDS: Final[OwnKinds] = MappingProxyType({})

_WORD_LIMIT: Final = 60
_OWN_LIMIT: Final = 1_000
_PARTS: Final = re.compile(r"[A-Z]?[a-z]+|[A-Z]+")

_get = KINDS.get


def own_kinds(table: Mapping[str, str]) -> OwnKinds:
    """From a table that `check_kinds` finds nothing wrong with."""
    return {
        squeezed(word): None if kind == IGNORE else SignalKind(kind) for word, kind in table.items()
    }


def squeezed(word: str) -> str:
    """A word without what never matters in it."""
    return "".join(word.lower().replace("_", " ").replace("-", " ").replace(".", " ").split())


def parse_kind(word: str, own: OwnKinds = NO_KINDS) -> tuple[SignalKind | None, bool]:
    """What a status word asks for, and whether nobody knows the word: it then triggers, because
    an alert too many is better than one too few. A blank word triggers too. None: the word is
    known and says nothing of an alert. The words of `own` come before all others."""
    if own and len(word) <= _OWN_LIMIT and (plain := squeezed(word)) in own:
        return own[plain], False
    if (kind := _get(word)) is not None:
        return kind, False
    if len(word) > _WORD_LIMIT:
        return _TRIGGER, True
    plain = squeezed(word)
    if not plain:
        return _TRIGGER, False
    if (kind := _get(plain)) is not None:
        return kind, False
    if "".join(filter(str.isalpha, plain)) in NOTICES:
        return None, False
    kind = _compound(word)
    return (_TRIGGER, True) if kind is None else (kind, False)


def kind_of_state(state: str | None, flags: list[str]) -> SignalKind:
    """What the state of an alert asks for. One that is missing, unknown, or says nothing of an alert
    is flagged, and triggers."""
    kind, doubtful = parse_kind(state or "unknown state")
    if doubtful or kind is None:
        flags.append("unknown_status")
    return kind or _TRIGGER


def _compound(word: str) -> SignalKind | None:
    """What two or more words ask for, if only one of them, the first or the last, says what
    happened and the others to what. `Recovery failed` and `not resolved` say nothing clear."""
    first, *others = parts = [part.lower() for part in _PARTS.findall(word)] or [""]
    if not others:
        return None
    if first in _BY_EVENT and _MAY_FOLLOW.issuperset(others):
        return _BY_EVENT[first]
    *others, last = parts
    if last in _BY_EVENT and _MAY_PRECEDE.issuperset(others):
        return _BY_EVENT[last]
    return KINDS.get(last) if _MAY_PRECEDE_A_STATE.issuperset(others) else None
