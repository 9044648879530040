"""Rows that one statement inserts, handed over column by column.

A row is a `Struct` whose fields are annotated with how their column is packed:

    class AlertRow(Struct):
        id: Uuid
        title: Text
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from functools import cache
from typing import Annotated, Any, get_type_hints

from msgspec import Struct
from msgspec.structs import astuple

from tocsin.store import arrays
from tocsin.store.arrays import Array

Uuid = Annotated[bytes, arrays.uuids]
OptionalUuid = Annotated[bytes | None, arrays.optional_uuids]
Text = Annotated[str, arrays.texts]
OptionalText = Annotated[str | None, arrays.optional_texts]
Json = Annotated[bytes, arrays.encoded]
Integer = Annotated[int, arrays.integers]
OptionalInteger = Annotated[int | None, arrays.optional_integers]
Bigint = Annotated[int, arrays.bigints]
OptionalBigint = Annotated[int | None, arrays.optional_bigints]
Time = Annotated[datetime, arrays.times]
OptionalTime = Annotated[datetime | None, arrays.optional_times]


def columns(kind: type[Struct], rows: Sequence[Struct], prefix: str = "") -> dict[str, Array]:
    """The parameters `{prefix}{field}` of a statement, each the whole column of `rows`."""
    packers = _packers(kind)
    values: Sequence[Sequence[Any]] = (
        list(zip(*map(astuple, rows), strict=True)) if rows else ((),) * len(packers)
    )
    return {
        prefix + name: pack(column) for (name, pack), column in zip(packers, values, strict=True)
    }


@cache
def _packers(kind: type[Struct]) -> tuple[tuple[str, Callable[[Any], Array]], ...]:
    hints = get_type_hints(kind, include_extras=True)
    return tuple((name, hints[name].__metadata__[0]) for name in kind.__struct_fields__)
