"""Reading values of any JSON type out of a payload, and naming what is wrong with them."""

from __future__ import annotations

from collections.abc import Mapping as AnyMapping
from typing import Any

from tocsin.ingest.sources.kit.decode import InvalidPayload
from tocsin.model import Fault


def text_of(value: Any) -> str | None:
    """A string that says something, a number as text, else None."""
    if type(value) is str:
        return value.strip() or None
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return str(value) if isinstance(value, float) or abs(value) < 10**300 else None
    return None


def object_of(value: Any) -> dict[str, Any]:
    """The object, or an empty one for a value of another type."""
    return value if isinstance(value, dict) else {}


def present(document: AnyMapping[str, Any]) -> dict[str, Any]:
    """Only what says something: no null, blank string, or empty list or object."""
    return {
        name: value
        for name, value in document.items()
        if value is not None and value != "" and value != [] and value != {}
    }


def require_object(payload: Any, what: str) -> dict[str, Any]:
    """Raises InvalidPayload unless the payload is an object."""
    if not isinstance(payload, dict):
        raise InvalidPayload([wrong_type("", "an object", payload, what)])
    return payload


def require_text(value: Any, pointer: str, message: str) -> str:
    """The text of a value, as `text_of` reads it.

    Raises:
        InvalidPayload: it says nothing.
    """
    text = text_of(value)
    if text is None:
        raise InvalidPayload([required(pointer, message)])
    return text


def wrong_type(pointer: str, expected: str, value: Any, what: str = "") -> Fault:
    """The fault for a value of another type; it names types, never the value."""
    where = f"{what}: " if what else ""
    return Fault(pointer, "wrong-type", f"{where}expected {expected}, got {json_type(value)}")


def required(pointer: str, message: str) -> Fault:
    return Fault(pointer, "required", message)


def json_type(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "a boolean"
    if isinstance(value, (int, float)):
        return "a number"
    if isinstance(value, str):
        return "a string"
    return "an array" if isinstance(value, list) else "an object"


def pointer_to(*parts: str | int) -> str:
    """A JSON pointer (RFC 6901)."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in parts)
