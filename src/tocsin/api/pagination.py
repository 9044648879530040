"""Cursor pagination: `?limit=&cursor=` → `items`, `next_cursor`; newest first."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import Enum
from typing import Annotated, Any, Generic, TypeVar, get_args

from pydantic import BaseModel, ConfigDict, Field, model_validator

from tocsin.resources.fields import NO_NUL, Output
from tocsin.store.paging import PageRequest, RowPage

_T = TypeVar("_T")


def _words_of(annotation: Any) -> dict[str, str]:
    """The values of the enum that a field takes, alone or in a list, by how they read in lower case."""
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return {str(each.value).lower(): str(each.value) for each in annotation}
    found: dict[str, str] = {}
    for each in get_args(annotation):
        found |= _words_of(each)
    return found


def _spelt(value: Any, words: Mapping[str, str]) -> Any:
    if isinstance(value, list):
        return [_spelt(each, words) for each in value]
    return words.get(value.lower(), value) if isinstance(value, str) else value


class PageQuery(BaseModel):
    """Every list takes these; a misspelt parameter is refused rather than ignored."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    limit: Annotated[int, Field(ge=1, le=200, description="How many items at most")] = 50
    cursor: Annotated[
        str | None,
        Field(description="next_cursor of the page before", max_length=200, pattern=NO_NUL),
    ] = None

    @model_validator(mode="before")
    @classmethod
    def _in_either_case(cls, given: Any) -> Any:
        """Words of an enum may be written in any case."""
        if not isinstance(given, Mapping):
            return given
        known = {name: _words_of(each.annotation) for name, each in cls.model_fields.items()}
        return {name: _spelt(value, known.get(name) or {}) for name, value in given.items()}

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
