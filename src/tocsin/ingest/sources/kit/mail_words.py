"""What the subject of a mail says: of which alert it is, and what has become of that.

Tools put the state before the subject (`[RESOLVED] Disk full`, `PROBLEM: …`, `DOWN | shop`, `** RECOVERY
Service Alert: db-1/HTTP is OK **`) or at its end (`shop is DOWN`, `Disk full - OK`). Words that stand
anywhere else say nothing: `Recovery of backups fails` is no recovery.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from tocsin.ingest.sources.kit.kinds import KINDS, NO_KINDS, OwnKinds, squeezed
from tocsin.ingest.sources.kit.severity import parse_severity
from tocsin.model import Severity, SignalKind

_REPLY: Final = re.compile(
    r"\s*(?:(re|aw|antw|sv|vs|odp|res|fwd?|wg|tr|rv)(?:\[\d+\])?\s*:)\s*", re.IGNORECASE
)
_FORWARDED: Final = ("fw", "fwd", "wg", "tr", "rv")
_BRACKET: Final = re.compile(r"\s*(?:\[([^\[\]]{0,80})\]|\(([^()]{0,80})\))\s*")
_LAST_BRACKET: Final = re.compile(r"\s*(?:\[([^\[\]]{0,80})\]|\(([^()]{0,80})\))$")
_HEAD: Final = re.compile(r"([^:|]{1,60}?)\s*(?::(?=\s|$)|\||\s[-–—]\s)\s*")
_TAIL: Final = re.compile(
    r"(?:\s+(?:[-–—|]|is|are|was|went|has|have|now)|\s*:)\s+([^\s:|]+(?:\s+[^\s:|]+){0,2})$",
    re.IGNORECASE,
)
_WORD: Final = re.compile(r"[^\W_]+(?:[-'][^\W_]+)*")
_SPAN: Final = re.compile(r"\s(?:in|after|for)\s+\d.*$", re.IGNORECASE)
"""`Resolved in 5m 0s: …`, as Zabbix has it."""
_FILLER_WORDS: Final = (
    "alert alerts alarm alarms notification notice monitor monitoring service host check event"
    " incident issue status state is are was went now has have been back again the your a"
)
_FILLERS: Final = frozenset(_FILLER_WORDS.split())
_FINE: Final = frozenset(("ok", "success", "normal", "none"))
"""Words that a table of severities has, and that say nothing of how bad a thing is."""
_LONGEST: Final = 6
_DEEPEST: Final = 4
_OPENING: Final = "[(\"'“„‘«‹<"
_SIGNS: Final = " *#!~="

_RESOLVED: Final = (
    "resolve resolved resolves close closed recovered recovery cleared fixed solved done"
)
_ACKNOWLEDGED: Final = "ack acked acknowledge acknowledged"
_SAID_SO: Final = {
    **dict.fromkeys(_RESOLVED.split(), SignalKind.RESOLVE),
    **dict.fromkeys(_ACKNOWLEDGED.split(), SignalKind.ACKNOWLEDGE),
}
"""What a person writes. `ok` may mean that somebody has read it."""
_DOUBT_WORDS: Final = (
    "not no never isn't wasn't cannot can't but again still yet un if when unless until maybe partly"
    " partially almost nothing"
)
_DOUBT: Final = frozenset(_DOUBT_WORDS.split())
_QUOTED: Final = re.compile(
    r"(?:>|-{2,}\s*\w|_{5,}|from:\s|on\s.{0,200}\swrote:\s*$|am\s.{0,200}\sschrieb.{0,80}:\s*$|-- ?$)",
    re.IGNORECASE,
)
_FIRST_LINES: Final = 20


@dataclass(frozen=True, slots=True)
class MailSubject:
    """`head`: what comes before the subject proper, if anything does; `rest`: the subject without
    that and without words of state, the same in all mails about one alert."""

    title: str
    head: str | None
    rest: str
    kind: SignalKind | None
    """None: it does not say."""
    is_contradictory: bool
    severity: Severity | None
    is_reply: bool
    is_ignored: bool = False
    """A word of the integration's own says that it is about no alert."""
    said: tuple[str, ...] = ()
    """The parts that speak of a state or a severity."""

    @property
    def key(self) -> str | None:
        """By which mails about one alert know each other, where nothing better does."""
        return " ".join(self.rest.lower().split()) or None


def read_subject(subject: str, own: OwnKinds = NO_KINDS, depth: int = 0) -> MailSubject:
    """What it says. The words of `own` come before all others."""
    text, is_reply = _without_prefixes(" ".join(subject.split()))
    title = text.strip(_SIGNS)
    said: list[str] = []
    head: str | None = None
    rest = title
    while True:
        rest = _undecorated(rest)
        if (found := _BRACKET.match(rest) or _HEAD.match(rest)) is None:
            break
        part = next(each for each in found.groups() if each is not None)
        if head is None:
            head = part.strip() or None
        if not _says(part, own):
            # `[prod] [RESOLVED] …`: look behind it, and keep it.
            behind = rest[found.end() :]
            if depth < _DEEPEST and behind:
                further = read_subject(behind, own, depth + 1)
                if further.is_ignored or further.kind is not None or further.is_contradictory:
                    kept = " ".join((found[0].strip(), further.rest))
                    return _subject(title, head, kept, [*said, *further.said], is_reply, own)
            break
        said.append(part)
        rest = rest[found.end() :]
    rest = rest.strip(_SIGNS)
    while (found := _LAST_BRACKET.search(rest) or _TAIL.search(rest)) is not None:
        part = next(each for each in found.groups() if each is not None)
        if not _says(part, own):
            break
        said.append(part)
        rest = rest[: found.start()]
    return _subject(title, head, rest, said, is_reply, own)


def word_of_reply(text: str, own: OwnKinds = NO_KINDS) -> SignalKind | None:
    """What a person who answers says in the first line that is not quoted, where that is clear."""
    for line in text.splitlines()[:_FIRST_LINES]:
        line = line.strip()
        if not line:
            continue
        if _QUOTED.match(line) or "?" in line or len(line) > 200:
            return None
        words = [word.lower() for word in _WORD.findall(line)]
        if not words or _DOUBT.intersection(words):
            return None
        words = [word for word in words if word not in _FILLERS and word not in ("this", "it")]
        if not words:
            return None
        return own[words[0]] if words[0] in own else _SAID_SO.get(words[0])
    return None


def _subject(
    title: str, head: str | None, rest: str, said: list[str], is_reply: bool, own: OwnKinds
) -> MailSubject:
    found = {kind for part in said for kind in _kinds(part, own)}
    kinds = {kind for kind in found if kind is not None}
    severity = next(filter(None, map(_severity, said)), None)
    return MailSubject(
        title=title,
        head=head,
        rest=rest.strip(_SIGNS) or title,
        kind=next(iter(kinds)) if len(kinds) == 1 else None,
        is_contradictory=len(kinds) > 1,
        severity=None if SignalKind.RESOLVE in kinds else severity,
        is_reply=is_reply,
        is_ignored=None in found,
        said=tuple(said),
    )


def _without_prefixes(subject: str) -> tuple[str, bool]:
    """Without `Re:`, `Fwd:` and their like; whether it is an answer."""
    is_reply = False
    while (found := _REPLY.match(subject)) is not None:
        is_reply = is_reply or found[1].lower() not in _FORWARDED
        subject = subject[found.end() :]
    return subject, is_reply


def _undecorated(text: str) -> str:
    """Without signs and pictures before the first word or bracket."""
    at = 0
    while at < len(text) and not (text[at].isalnum() or text[at] in _OPENING):
        at += 1
    return text[at:] if at < len(text) else text


def _says(part: str, own: OwnKinds) -> bool:
    """Whether it speaks of a state, of a severity and nothing else, or only of what this is: `Alert`."""
    words = _words(part)
    if not words:
        return any(character.isalpha() for character in part)
    return bool(_kinds(part, own)) or (len(words) == 1 and _severity(part) is not None)


def _words(part: str) -> list[str]:
    words = [word.lower() for word in _WORD.findall(_SPAN.sub("", part))]
    return [word for word in words if word not in _FILLERS and not word.isdigit()]


def _kinds(part: str, own: OwnKinds) -> set[SignalKind | None]:
    """What a part of a subject says, if it says nothing else: `UP alert`, `FIRING:2`. None: of no
    alert, by a word of `own`."""
    if own and (plain := squeezed(part)) in own:
        return {own[plain]}
    words = _words(part)
    if not words or len(words) > _LONGEST:
        return set()
    whole = "".join(words)
    if whole in own:
        return {own[whole]}
    if (kind := KINDS.get(whole)) is not None:
        return {kind}
    if any(word not in own and word not in KINDS for word in words):
        return set()
    kinds = {own[word] if word in own else KINDS[word] for word in words}
    return kinds if len(kinds) == 1 else set()


def _severity(part: str) -> Severity | None:
    for word in _words(part):
        if word in _FINE:
            continue
        severity, is_doubtful = parse_severity(word)
        if severity is not None and not is_doubtful:
            return severity
    return None
