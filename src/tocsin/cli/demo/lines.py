"""The demo in a pipe or a log: one line for each thing that happens."""

from __future__ import annotations

import time
from collections.abc import Iterator

from tocsin.cli.demo.board import Arrival, Board, Notice
from tocsin.cli.kit.output import clock

_DELAY_KNOWN_SECONDS = 1.5
"""A message may overtake the answer to its webhook; after this its delay is not waited for."""


class Lines:
    def __init__(self, board: Board) -> None:
        self._board = board
        self._said: set[Arrival | Notice] = set()

    def news(self, *, last: bool = False) -> Iterator[str]:
        """What has happened since, in order. With `last`, nothing is waited for any more."""
        now = self._board.snapshot()
        events: list[Arrival | Notice] = [*now.arrivals, *now.notices]
        for event in sorted(events, key=lambda each: each.at):
            if event in self._said:
                continue
            if isinstance(event, Arrival):
                self._said.add(event)
                yield arrival_line(event)
                continue
            delay = self._board.delay_ms(event)
            waited = time.monotonic() - event.monotonic
            if delay is None and waited < _DELAY_KNOWN_SECONDS and not last:
                continue
            self._said.add(event)
            yield notice_line(event, delay)


def arrival_line(arrival: Arrival) -> str:
    return (
        f"{clock(arrival.at)}  in   {arrival.tool:<17}  {arrival.status_code} "
        f"{arrival.outcome:<17}  {arrival.severity or '-':<8}  {arrival.title}"
        f"  ({arrival.milliseconds:.0f} ms)"
    )


def notice_line(notice: Notice, delay: float | None) -> str:
    after = "" if delay is None else f"  ({delay:.0f} ms after its webhook)"
    return (
        f"{clock(notice.at)}  out  {notice.channel:<17}  {notice.proof:<21}  {notice.what}{after}"
    )
