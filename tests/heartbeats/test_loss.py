from __future__ import annotations

import pytest

from tocsin.heartbeats.loss import is_loss


@pytest.mark.parametrize(
    ("missing", "expected", "together"),
    [
        (9, 9, False),
        (10, 10, True),
        (10, 49, True),
        (10, 50, False),
        (200, 1_000, False),
        (201, 1_000, True),
        (0, 0, False),
    ],
)
def test_ten_and_more_than_a_fifth(missing: int, expected: int, together: bool) -> None:
    assert is_loss(missing, expected) is together
