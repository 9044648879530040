"""Numbers of what may be too many to count, and the days that are tried."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from tocsin.model import KeptHistory
from tocsin.model.figures import bytes_said, judged
from tocsin.resources.retention import bounds


@pytest.mark.parametrize(
    ("counted", "estimate", "words"),
    [
        (0, None, "0"),
        (1_000, None, "1,000"),
        (1_001, 4_321_987, "about 4,300,000"),
        (1_001, 1_049, "about 1,000"),
        # What statistics say that cannot be true is not said.
        (1_001, 12, "more than 1,000"),
        (1_001, None, "more than 1,000"),
    ],
)
def test_what_was_not_counted_to_the_end_says_so(
    counted: int, estimate: int | None, words: str
) -> None:
    assert judged(counted, 1_000, estimate).words == words


@pytest.mark.parametrize(
    ("size", "words"),
    [
        (0, "0 bytes"),
        (999, "999 bytes"),
        (8_192, "8.2 kB"),
        (123_456_789, "123 MB"),
        (4_200_000_000_000_000, "4200 TB"),
    ],
)
def test_sizes_are_told_as_disks_are_sold(size: int, words: str) -> None:
    assert bytes_said(size) == words


def test_days_that_are_tried_count_for_every_kind() -> None:
    now = datetime(2026, 6, 1, tzinfo=UTC)
    days = {kind: number for number, kind in enumerate(KeptHistory, start=10)}
    assert bounds(days, now, None) == {
        kind: now - timedelta(days=kept) for kind, kept in days.items()
    }
    assert set(bounds(days, now, 7).values()) == {now - timedelta(days=7)}
