"""Filters that several lists share."""

from __future__ import annotations

from sqlalchemy import ColumnElement, or_
from sqlalchemy.orm import InstrumentedAttribute


def contains_text(
    text: str, *columns: InstrumentedAttribute[str] | InstrumentedAttribute[str | None]
) -> ColumnElement[bool]:
    """Whether any of the columns holds `text`, in any case; `%` and `_` stand for themselves."""
    return or_(*(column.icontains(text, autoescape=True) for column in columns))
