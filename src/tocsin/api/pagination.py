"""Cursor pagination: `?limit=&cursor=` → `items`, `next_cursor`; newest first."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from tocsin.resources.fields import NO_NUL, Output
from tocsin.store.paging import PageRequest, RowPage

_T = TypeVar("_T")


class PageQuery(BaseModel):
    """Every list takes these; a misspelt parameter is refused rather than ignored."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    limit: Annotated[int, Field(ge=1, le=200, description="How many items at most")] = 50
    cursor: Annotated[
        str | None,
        Field(description="next_cursor of the page before", max_length=200, pattern=NO_NUL),
    ] = None

    def request(self) -> PageRequest:
        return PageRequest(self.limit, self.cursor)


class Page(Output, Generic[_T]):
    items: list[_T]
    next_cursor: Annotated[
        str | None, Field(description="Pass it on as cursor for what follows; null at the end")
    ]


def shown(page: RowPage[Any], show: Callable[[Any], _T]) -> Page[_T]:
    """The page as the API answers it, each row by `show`."""
    return Page(items=[show(row) for row in page.rows], next_cursor=page.next_cursor)
