"""Web addresses within a sender's text, for channels that make no links by themselves."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from tocsin.delivery.channels.kit.escape import MARK, cut
from tocsin.model.sender_links import is_web_address

_ADDRESS = re.compile(r"https?://[^\s<>\"\\]{3,2000}")
_SHOWN = 80
_NOT_ITS_END = ".,;:!?'\u2019\u201d*_`"


@dataclass(frozen=True, slots=True)
class Piece:
    text: str
    is_address: bool = False

    @property
    def shown(self) -> str:
        """For where it can be clicked, however much of it can be seen."""
        return cut(self.text, _SHOWN) if self.is_address else self.text


def pieces(text: str) -> Iterator[Piece]:
    """The whole text, in order, taken apart at the addresses; at least one piece."""
    done = 0
    for found in _ADDRESS.finditer(text):
        address = _trimmed(found.group())
        # One that was cut leads nowhere.
        if MARK in address or not is_web_address(address):
            continue
        if found.start() > done:
            yield Piece(text[done : found.start()])
        yield Piece(address, is_address=True)
        done = found.start() + len(address)
    if done < len(text) or not done:
        yield Piece(text[done:])


def _trimmed(address: str) -> str:
    """Without the sentence's own signs, and without a bracket that was opened before it."""
    while address:
        last = address[-1]
        is_closing = last in ")]}" and address.count("([{"[")]}".index(last)]) < address.count(last)
        if last not in _NOT_ITS_END and not is_closing:
            return address
        address = address[:-1]
    return address
