from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.web.speaker import Speaker, speaker


@pytest.fixture
def served() -> Iterator[Speaker]:
    with speaker() as running:
        yield running


@pytest.fixture(scope="module")
def shared() -> Iterator[Speaker]:
    """One for all tests of a file."""
    with speaker() as running:
        yield running
