"""Requests as no tool should send them, from a seed. Most are signed, since what is not authentic is
turned away before anybody looks at it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from tests.faults.malformed.bodies import Bodies
from tests.faults.malformed.case import Case
from tests.faults.malformed.requests import Requests
from tests.support.workspace import Sender


class CaseMaker(Bodies, Requests):
    """Makes cases for senders of every type."""

    def __init__(self, senders: dict[str, Sender], seed: int) -> None:
        super().__init__(senders, seed)
        self.kinds: Sequence[Callable[[], Case]] = (
            self.wrong_types,
            self.wrong_types,
            self.wrong_types,
            self.truncated,
            self.broken_bytes,
            self.deep,
            self.numbers,
            self.duplicate_keys,
            self.content_types,
            self.lengths,
            self.paths,
            self.headers,
            self.signatures,
            self.pipelined,
            self.many_pipelined,
            self.upgrades,
            self.packed,
            self.no_http,
            self.broken_off,
        )

    def make(self) -> Case:
        return self.chance.choice(self.kinds)()
