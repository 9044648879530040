"""Forms: what a person entered, checked by the shapes of the API, with each fault at its field."""

from __future__ import annotations

from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import dropwhile
from typing import Any, Generic, TypeVar
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ValidationError

from tocsin.model import Fault
from tocsin.resources.errors import (
    InvalidRequest,
    MissingReference,
    NotInWorkspace,
    NotPermitted,
    ResourceError,
    StillNeeded,
)
from tocsin.store.workspace_rows import NameTaken

Shape = TypeVar("Shape", bound=BaseModel)
Made = TypeVar("Made")

Parts = Mapping[str, Sequence[str]]
"""Members that have members of their own, each with a field of its own in a form. Of a list, each part
has these; the first of them has what is wrong with a part as a whole."""

WHOLE = ""
"""Under this name stands what is wrong with the form as a whole."""
_NO_PARTS: Parts = {}


@dataclass(frozen=True, slots=True)
class Entered(Generic[Shape]):
    """A form that was read: what it says, or what is wrong with it, by field."""

    body: Shape | None
    faults: Mapping[str, str] = field(default_factory=dict)


def read(
    shape: type[Shape], document: Mapping[str, Any] | Sequence[Any], parts: Parts = _NO_PARTS
) -> Entered[Shape]:
    """The document as this shape has it. Nothing of a value that is wrong is quoted."""
    try:
        return Entered(shape.model_validate(document))
    except ValidationError as error:
        faults: dict[str, str] = {}
        for each in error.errors(include_input=False, include_url=False):
            name = _name(each["loc"], parts)
            faults.setdefault(name, _sentence(each["msg"].removeprefix("Value error, ")))
        return Entered(None, faults)


@dataclass(frozen=True, slots=True)
class Saved(Generic[Made]):
    made: Made | None
    faults: Mapping[str, str] = field(default_factory=dict)


async def save(
    work: Awaitable[Made], parts: Parts = _NO_PARTS, *, unique: str = "name"
) -> Saved[Made]:
    """What the work made, or why it was refused, by field. No two may have the same in `unique`."""
    try:
        return Saved(await work)
    except InvalidRequest as error:
        return Saved(None, by_field(error.faults, parts))
    except NameTaken:
        return Saved(None, {unique: f"Another one has this {unique} already."})
    except MissingReference as error:
        name = _field_of(error.pointer, parts)
        return Saved(None, {name: f"That {error.kind} is not there any more."})
    except (StillNeeded, NotPermitted) as error:
        return Saved(None, {WHOLE: error.reason})
    except NotInWorkspace as error:
        return Saved(None, {WHOLE: f"That {error.kind} is not there any more."})
    except ResourceError as error:
        return Saved(None, {WHOLE: str(error)})


def by_field(faults: Sequence[Fault], parts: Parts = _NO_PARTS) -> dict[str, str]:
    """Each under the field that its pointer begins with."""
    found: dict[str, str] = {}
    for fault in faults:
        found.setdefault(_field_of(fault.pointer, parts), _sentence(fault.message))
    return found


def first(faults: Mapping[str, str]) -> str:
    """One of them, for a page that has no fields to show them at."""
    return next(iter(faults.values()), "Nothing was changed.")


def lines(text: str) -> list[str]:
    """What stands on each line of a field, without the empty ones."""
    return [line.strip() for line in text.splitlines() if line.strip()]


def number_or_text(text: str) -> int | str:
    """What stands in a field of a number; what is none is left for the API's shape to refuse."""
    return int(text) if text.isdecimal() and len(text) < 8 else text


def zoned(text: str, zone: str) -> str:
    """As a field of date and time has it, by the clock of a zone, to what the API takes."""
    try:
        local = datetime.fromisoformat(text)
    except ValueError:
        return text
    return local.replace(tzinfo=ZoneInfo(zone)).isoformat() if local.tzinfo is None else text


def _name(location: tuple[int | str, ...], parts: Parts) -> str:
    of_member = dropwhile(lambda each: isinstance(each, int), location)
    return _field([str(each) for each in of_member], parts)


def _field_of(pointer: str, parts: Parts) -> str:
    path = [part for part in pointer.split("/") if part]
    return path[1] if path[:1] == ["config"] and len(path) > 1 else _field(path, parts)


def _field(path: Sequence[str], parts: Parts) -> str:
    """Of a part `quiet_hours-0-start`, as `repeated_fields` reads it; of an object `flapping-stop`."""
    name, fields = (path[0] if path else WHOLE), parts.get(path[0] if path else WHOLE)
    if fields is None or len(path) < 2:
        return name
    if path[1].isdecimal():
        own = next((each for each in path[2:] if each in fields), fields[0])
        return f"{name}-{path[1]}-{own}"
    return f"{name}-{path[1]}" if path[1] in fields else name


def _sentence(words: str) -> str:
    words = words[:1].upper() + words[1:]
    return words if words.endswith((".", "!", "?")) else f"{words}."
