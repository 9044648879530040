"""The kinds of value that requests and answers are made of, and exactly what each accepts.

The framework's own parsing is generous ("yes" is a truth, 1 a time); here a value is what the
OpenAPI document says it is, or it is refused.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Annotated, Any
from uuid import UUID
from zoneinfo import available_timezones

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    StringConstraints,
    WithJsonSchema,
)
from typing_extensions import TypeAliasType

from tocsin.model import iso

# ECMA 262 and Python read these alike; NUL and other control characters are left out.
_LINE = r"^[^\x00-\x1f\x7f]+$"

Name = Annotated[str, StringConstraints(strict=True, min_length=1, max_length=200, pattern=_LINE)]
Slug = Annotated[
    str,
    StringConstraints(strict=True, max_length=63, pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$"),
]
Line = Annotated[str, StringConstraints(strict=True, min_length=1, max_length=1000, pattern=_LINE)]
Note = Annotated[
    str, StringConstraints(strict=True, min_length=1, max_length=10_000, pattern=r"^[^\x00]+$")
]
NO_NUL = r"^[^\x00]*$"
Text = Annotated[str, StringConstraints(strict=True, max_length=200, pattern=NO_NUL)]
HeaderName = Annotated[
    str,
    StringConstraints(strict=True, max_length=200, pattern=r"^[A-Za-z0-9!#$%&'*+.^_`|~-]+$"),
]
"""A field name of RFC 9110, section 5.1."""

_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}", re.ASCII)


def _uuid(value: Any) -> Any:
    if isinstance(value, UUID):
        return value
    if not isinstance(value, str) or not _UUID.fullmatch(value):
        raise ValueError("must be a UUID, such as 01890a5d-ac96-774b-bcce-b302099a8057")
    return UUID(value)


Id = Annotated[UUID, BeforeValidator(_uuid)]


def _whole(value: Any) -> Any:
    # To JSON Schema 1.0 is an integer; a truth is none.
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, bool):
        raise ValueError("must be a whole number")
    return value


Whole = BeforeValidator(_whole)
"""For `Annotated[int, Field(strict=True, ge=…, le=…), Whole]`: it stands last, so that the limits
are also in the OpenAPI document."""
Flag = Annotated[bool, Field(strict=True)]

_TIME = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d):(\d\d)(?:\.(\d+))?(?:([Zz])|([+ -])(\d\d):(\d\d))",
    re.ASCII,
)
_EXAMPLE = "2026-02-03T04:05:06Z"
_EARLIEST = datetime(1, 1, 1, tzinfo=UTC)
_LATEST = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)


def parse_time(value: Any) -> datetime:
    """A date-time of RFC 3339, in UTC. One beyond what can be stored is the nearest that can.

    Raises:
        ValueError: if it is anything else, or has no offset.
    """
    if isinstance(value, datetime):
        return value.astimezone(UTC)
    match = _TIME.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise ValueError(f"must be a time with its offset from UTC, such as {_EXAMPLE}")
    year, month, day, hour, minute, second = (int(part) for part in match.groups()[:6])
    fraction, _, sign, offset_hours, offset_minutes = match.groups()[6:]
    if int(offset_hours or 0) > 23 or int(offset_minutes or 0) > 59 or second > 60:
        raise ValueError(f"must be a time that exists, such as {_EXAMPLE}")
    if year == 0:
        return _EARLIEST
    try:
        # A leap second has no place in what is stored; it is the second after.
        at = datetime(year, month, day, hour, minute, min(second, 59), tzinfo=UTC)
    except ValueError:
        raise ValueError(f"must be a time that exists, such as {_EXAMPLE}") from None
    offset = timedelta(hours=int(offset_hours or 0), minutes=int(offset_minutes or 0))
    microseconds = int((fraction or "0")[:6].ljust(6, "0"))
    shift = timedelta(seconds=second - min(second, 59), microseconds=microseconds)
    try:
        # An unencoded plus in a query string arrives as a space.
        return at + shift + (offset if sign == "-" else -offset)
    except OverflowError:
        return _LATEST if year == 9999 else _EARLIEST


_LOCAL_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d)?", re.ASCII)
_LOCAL_EXAMPLE = "2026-02-03T22:00:00"


def parse_local_time(value: Any) -> datetime:
    """A date and a time of day as a clock on a wall shows them, without an offset.

    Raises:
        ValueError: if it is anything else.
    """
    if isinstance(value, datetime):
        return value.replace(tzinfo=None)
    if not isinstance(value, str) or not _LOCAL_TIME.fullmatch(value):
        raise ValueError(f"must be a local time without an offset, such as {_LOCAL_EXAMPLE}")
    try:
        local = datetime.fromisoformat(value)
    except ValueError:
        raise ValueError(f"must be a time that exists, such as {_LOCAL_EXAMPLE}") from None
    if not 1970 <= local.year < 2200:
        raise ValueError("must be of the years from 1970 to 2199")
    return local


LocalTime = Annotated[
    datetime,
    BeforeValidator(parse_local_time),
    PlainSerializer(lambda local: local.isoformat(timespec="seconds"), return_type=str),
    WithJsonSchema(
        {
            "type": "string",
            "format": "local-date-time",
            "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d)?$",
            "examples": [_LOCAL_EXAMPLE],
        }
    ),
]
"""What the clock on the wall of some zone shows."""

Time = Annotated[
    datetime,
    BeforeValidator(parse_time),
    PlainSerializer(iso, return_type=str),
    WithJsonSchema({"type": "string", "format": "date-time", "examples": [_EXAMPLE]}),
]


@cache
def timezone_names() -> tuple[str, ...]:
    return tuple(sorted(available_timezones()))


def _timezone(value: str) -> str:
    if value not in timezone_names():
        raise ValueError("must be the name of an IANA timezone, such as Europe/Vienna")
    return value


Timezone = TypeAliasType(
    "Timezone",
    Annotated[
        str,
        Field(strict=True),
        AfterValidator(_timezone),
        # Not the six hundred names: those differ between machines, and generators of clients make
        # a type of them in which two spell the same.
        WithJsonSchema(
            {
                "type": "string",
                "title": "IANA timezone",
                "description": "A name of the IANA time zone database.",
                "format": "iana-timezone",
                "examples": ["Europe/Vienna"],
            }
        ),
    ],
)

Labels = dict[str, str]
JsonObject = dict[str, Any]


class Input(BaseModel):
    """Base of every body: what is not known is refused, values sent are never quoted back."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True, frozen=True)

    def given(self) -> dict[str, Any]:
        """The members that the request named, as values."""
        return {name: getattr(self, name) for name in self.model_fields_set}


class Output(BaseModel):
    """Base of every answer; members are always there, null if there is nothing to say."""

    model_config = ConfigDict(from_attributes=True, populate_by_name=True)

    def document(self) -> dict[str, Any]:
        return self.model_dump(mode="json", by_alias=True)


def example(document: dict[str, Any]) -> ConfigDict:
    """The `model_config` of a body with this example; the tests send every one of them."""
    return ConfigDict(json_schema_extra={"examples": [document]})


def left_out() -> Any:
    """Default of a member that may be left out; `model_fields_set` says whether it was."""
    return Field(default_factory=lambda: None)


def unique(values: Sequence[Any]) -> Sequence[Any]:
    if len(set(values)) != len(values):
        raise ValueError("must not name anything twice")
    return values
