"""Workspaces whose held alerts are to be looked at again, all of them, a batch at a time, in turns."""

from __future__ import annotations

from collections import deque
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from uuid import UUID

from tocsin.store.clock import FIRST


@dataclass(slots=True)
class Sweep:
    """Through the alerts of some workspaces, in the order of their ids; `after` was the last."""

    workspaces: frozenset[UUID]
    after: UUID = FIRST


class Sweeps:
    """Each that began for one change has its turn: one workspace's many alerts do not delay what
    changed in another."""

    def __init__(self) -> None:
        self._waiting: deque[Sweep] = deque()

    def begin(self, workspaces: frozenset[UUID]) -> None:
        """These have changed: whatever was looked at of them is to be looked at again."""
        if workspaces:
            self._waiting = deque(_without(self._waiting, workspaces))
            self._waiting.append(Sweep(workspaces))

    def next(self, busy: AbstractSet[UUID]) -> Sweep | None:
        """The next that has its turn, of workspaces that are not busy; None if there is none."""
        for _ in range(len(self._waiting)):
            sweep = self._waiting.popleft()
            free = sweep.workspaces - busy
            if free != sweep.workspaces:
                self._waiting.append(Sweep(sweep.workspaces & busy, sweep.after))
            if free:
                return Sweep(free, sweep.after)
        return None

    def go_on(self, sweep: Sweep) -> None:
        """There is more to look at, after the others have had their turn."""
        self._waiting.append(sweep)

    def has_work(self, busy: AbstractSet[UUID]) -> bool:
        return any(sweep.workspaces - busy for sweep in self._waiting)


def _without(sweeps: deque[Sweep], workspaces: frozenset[UUID]) -> list[Sweep]:
    return [Sweep(rest, sweep.after) for sweep in sweeps if (rest := sweep.workspaces - workspaces)]
