"""One page of a list, as its address asks for it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

from tocsin.store.paging import BadCursor, PageRequest

Found = TypeVar("Found")


async def page_or_first(
    rows: int, after: str | None, look: Callable[[PageRequest], Awaitable[Found]]
) -> Found:
    """What `look` finds behind the cursor `after`. An address with a cursor of another list, or a
    damaged one, shows the first page: the reader did not write it and cannot correct it."""
    try:
        return await look(PageRequest(rows, after))
    except BadCursor:
        return await look(PageRequest(rows))
