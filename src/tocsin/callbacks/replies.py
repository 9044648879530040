"""What a reply by text message asks for."""

from __future__ import annotations

import re
from dataclasses import dataclass

from tocsin.access.links import CODE_DIGITS
from tocsin.model import Action

# Those that Twilio, and carriers, take for "no more messages", in any case and alone.
_STOPS = frozenset({"stop", "stopall", "unsubscribe", "cancel", "end", "quit", "revoke", "optout"})
# Twilio answers these by itself.
_STARTS = frozenset({"start", "yes", "unstop", "help", "info"})
_VERBS = {
    "ack": Action.ACKNOWLEDGE,
    "a": Action.ACKNOWLEDGE,
    "acknowledge": Action.ACKNOWLEDGE,
    "resolve": Action.RESOLVE,
    "res": Action.RESOLVE,
    "r": Action.RESOLVE,
}
_COMMAND = re.compile(rf"(?:([a-z]+)[ :,.]*)?([0-9]{{{CODE_DIGITS}}})[.!]?\Z")


@dataclass(frozen=True, slots=True)
class Stop:
    """No more messages to this phone."""


@dataclass(frozen=True, slots=True)
class Overlooked:
    """A word for Twilio, which answers it."""


@dataclass(frozen=True, slots=True)
class Command:
    """Do this to what the code names."""

    action: Action
    code: str


@dataclass(frozen=True, slots=True)
class NotUnderstood:
    pass


Reply = Stop | Overlooked | Command | NotUnderstood


def read_reply(text: str, opt_out: str = "") -> Reply:
    """`opt_out` is Twilio's own reading of a word, where it was taught others: STOP, START or HELP."""
    words = " ".join(text[:200].split()).lower()
    if opt_out.upper() == "STOP" or words.rstrip(".!") in _STOPS:
        return Stop()
    if opt_out or words.rstrip(".!") in _STARTS:
        return Overlooked()
    found = _COMMAND.match(words)
    if found is None:
        return NotUnderstood()
    verb, code = found.groups()
    action = Action.ACKNOWLEDGE if verb is None else _VERBS.get(verb)
    return NotUnderstood() if action is None else Command(action, code)
