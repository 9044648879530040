"""What comes of a request: an answer, or none and why. Values; nothing here is raised."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Answer:
    """What the other side said: as many bytes of the body as are read at most, as sent. `headers` by
    their names in lower case."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    complete: bool = True


@dataclass(frozen=True, slots=True)
class NoAnswer:
    """Why there is no answer. `permanent`: asking again will not help. `is_blocked`: nor will it
    until an operator allows the network. `message` says what happened in words that follow a
    destination's name, without its URL or address."""

    code: str
    message: str
    permanent: bool = False
    is_blocked: bool = False
