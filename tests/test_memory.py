"""What pages leave behind goes while it is little, whatever the collector's own rounds are."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator

import pytest

from tocsin import memory


class _Circle:
    def __init__(self) -> None:
        self.itself = self


@pytest.fixture
def _rare() -> Iterator[None]:
    usual = gc.get_threshold()
    gc.collect()
    gc.set_threshold(1_000_000, 50, 100)
    yield
    gc.set_threshold(*usual)


@pytest.mark.usefixtures("_rare")
def test_circles_are_collected_when_there_are_some_thousand() -> None:
    first = weakref.ref(_Circle())
    memory.tidy()
    assert first() is not None, "not for each page"
    # An object and what it has: two for the collector.
    for _ in range(6_000):
        _Circle()
    memory.tidy()
    assert first() is None
