"""The settings in force, for people to read: each with its value, or that it is a secret, and where it
was set."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from tocsin.settings.names import NAMED
from tocsin.settings.shapes import Settings

HIDDEN: Final = "[hidden]"


@dataclass(frozen=True)
class InForce:
    name: str
    value: str | None
    """None where there is none."""
    origin: str | None
    """None for a default."""


def in_force(settings: Settings) -> Iterator[InForce]:
    """In the order of the documentation's table."""
    for named in NAMED:
        given = settings.given.get(named.field)
        if given is not None:
            yield InForce(named.name, HIDDEN if given.text is None else given.text, given.origin)
        else:
            value = getattr(settings, named.field)
            # What a program set itself was given by nobody, and is as secret.
            yield InForce(named.name, HIDDEN if value and named.is_secret else _words(value), None)


def _words(value: object) -> str | None:
    if value is None or value == ():
        return None
    return ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)
