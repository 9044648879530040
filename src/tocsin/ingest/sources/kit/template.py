"""What a tool made of a template: the variables that it knew are filled in, the others may still
stand there as text."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import msgspec

from tocsin.ingest.sources.kit.reading import object_of, text_of


def filled(fields: Mapping[str, Any], standing: re.Pattern[str]) -> dict[str, Any]:
    """The fields without those that are blank or null, or wholly one variable left standing."""
    return {
        name: value
        for name, value in fields.items()
        if not _is_empty(value)
        and not (type(value) is str and standing.fullmatch(value.strip()) is not None)
    }


def nested(value: Any) -> Any:
    """JSON that was put into the template as a text; any other value as it is."""
    if type(value) is str and value.lstrip()[:1] in ("{", "["):
        try:
            return msgspec.json.decode(value)
        except (msgspec.DecodeError, RecursionError, UnicodeError):
            return value
    return value


def nested_object(value: Any) -> dict[str, Any]:
    return object_of(nested(value))


def first_text(*values: Any) -> str | None:
    """The first of them that says something."""
    return next((text for value in values if (text := text_of(value)) is not None), None)


def title_or(otherwise: str, flags: list[str], *values: Any) -> str:
    """The first of the values that says something, else `otherwise`, flagged."""
    title = first_text(*values)
    if title is None:
        flags.append("title_missing")
        return otherwise
    return title


def _is_empty(value: Any) -> bool:
    return value is None or (type(value) is str and not value.strip())
