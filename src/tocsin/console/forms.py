"""Forms: what a person entered, checked by the shapes of the API, with each fault at its field."""

from __future__ import annotations

from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
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

WHOLE = ""
"""Under this name stands what is wrong with the form as a whole."""


@dataclass(frozen=True, slots=True)
class Entered(Generic[Shape]):
    """A form that was read: what it says, or what is wrong with it, by field."""

    body: Shape | None
    faults: Mapping[str, str] = field(default_factory=dict)


def read(shape: type[Shape], document: Mapping[str, Any] | Sequence[Any]) -> Entered[Shape]:
    """The document as this shape has it. Nothing of a value that is wrong is quoted."""
    try:
        return Entered(shape.model_validate(document))
    except ValidationError as error:
        faults: dict[str, str] = {}
        for each in error.errors(include_input=False, include_url=False):
            name = _name(each["loc"])
            faults.setdefault(name, _sentence(each["msg"].removeprefix("Value error, ")))
        return Entered(None, faults)


@dataclass(frozen=True, slots=True)
class Saved(Generic[Made]):
    made: Made | None
    faults: Mapping[str, str] = field(default_factory=dict)


async def save(work: Awaitable[Made]) -> Saved[Made]:
    """What the work made, or why it was refused, by field."""
    try:
        return Saved(await work)
    except InvalidRequest as error:
        return Saved(None, by_field(error.faults))
    except NameTaken:
        return Saved(None, {"name": "Another one has this name already."})
    except MissingReference as error:
        return Saved(None, {_field_of(error.pointer): f"That {error.kind} is not there any more."})
    except (StillNeeded, NotPermitted) as error:
        return Saved(None, {WHOLE: error.reason})
    except NotInWorkspace as error:
        return Saved(None, {WHOLE: f"That {error.kind} is not there any more."})
    except ResourceError as error:
        return Saved(None, {WHOLE: str(error)})


def by_field(faults: Sequence[Fault]) -> dict[str, str]:
    """Each under the field that its pointer begins with."""
    found: dict[str, str] = {}
    for fault in faults:
        found.setdefault(_field_of(fault.pointer), _sentence(fault.message))
    return found


def first(faults: Mapping[str, str]) -> str:
    """One of them, for a page that has no fields to show them at."""
    return next(iter(faults.values()), "Nothing was changed.")


def lines(text: str) -> list[str]:
    """What stands on each line of a field, without the empty ones."""
    return [line.strip() for line in text.splitlines() if line.strip()]


def zoned(text: str, zone: str) -> str:
    """As a field of date and time has it, by the clock of a zone, to what the API takes."""
    try:
        local = datetime.fromisoformat(text)
    except ValueError:
        return text
    return local.replace(tzinfo=ZoneInfo(zone)).isoformat() if local.tzinfo is None else text


def _name(location: tuple[int | str, ...]) -> str:
    return next((str(part) for part in location if isinstance(part, str)), WHOLE)


def _field_of(pointer: str) -> str:
    parts = [part for part in pointer.split("/") if part]
    if parts and parts[0] == "config" and len(parts) > 1:
        return parts[1]
    return parts[0] if parts else WHOLE


def _sentence(words: str) -> str:
    words = words[:1].upper() + words[1:]
    return words if words.endswith((".", "!", "?")) else f"{words}."
