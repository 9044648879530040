"""Bytes of a form (application/x-www-form-urlencoded) to its fields. What cannot be read says where."""

from __future__ import annotations

import re
from typing import Any, Final
from urllib.parse import unquote_to_bytes

from msgspec import Struct

from tocsin.model import Fault

MAX_FORM_FIELDS: Final = 1_000

NOT_ENCODED: Final = "form_not_encoded"
"""Flags a form with a `%` that begins no escape: its sender encodes nothing, or left a placeholder."""

_NAME_SHOWN: Final = 60
_ESCAPE: Final = re.compile(rb"%[0-9A-Fa-f]{2}")
_STRAY: Final = re.compile(rb"%(?![0-9A-Fa-f]{2})")


class FormFields(Struct):
    """`fields`: a repeated one as a list."""

    fields: dict[str, Any]
    flags: tuple[str, ...] = ()


def read_form(body: bytes) -> FormFields | Fault:
    """The fields in `body`. A `%` that begins no escape stands for itself, and is flagged."""
    if fault := _not_utf8(body):
        return fault
    if body.count(b"&") >= MAX_FORM_FIELDS:
        return Fault("", "not-json", f"the form has more than {MAX_FORM_FIELDS} fields")
    form = FormFields({})
    at, before = len(body) - len(body.lstrip()), None
    for pair in body.strip().split(b"&"):
        name, equals, value = pair.partition(b"=")
        if not equals:
            return _no_pair(at, before)
        texts: list[str] = []
        for part, start in ((name, at), (value, at + len(name) + 1)):
            text = _text(part, start, name)
            if isinstance(text, Fault):
                return text
            texts.append(text)
        if not form.flags and _STRAY.search(pair):
            form.flags = (NOT_ENCODED,)
        add_field(form.fields, *texts)
        at += len(pair) + 1
        before = name
    return form


def add_field(fields: dict[str, Any], name: str, value: str) -> None:
    """A field that repeats becomes a list."""
    if name not in fields:
        fields[name] = value
    elif isinstance(known := fields[name], list):
        known.append(value)
    else:
        fields[name] = [known, value]


def _not_utf8(body: bytes) -> Fault | None:
    try:
        body.decode("utf-8")
    except UnicodeDecodeError as error:
        name = body[: error.start].rpartition(b"&")[2].partition(b"=")[0]
        words = f"the form is not UTF-8 text: see byte {error.start}, in the field `{_shown(name)}`"
        return Fault("", "invalid-utf8", words)
    return None


def _no_pair(at: int, before: bytes | None) -> Fault:
    if before is None:
        return Fault("", "not-json", "the body is neither JSON nor a form of name=value pairs")
    words = (
        f"what follows the `&` at byte {at - 1} of the form is no name=value; if that is part of "
        f"the field `{_shown(before)}`, it must be written %26"
    )
    return Fault("", "not-json", words)


def _text(part: bytes, start: int, name: bytes) -> str | Fault:
    """`part` decoded. `start`: where in the body it begins."""
    plain = unquote_to_bytes(part.replace(b"+", b" "))
    try:
        return plain.decode("utf-8")
    except UnicodeDecodeError as error:
        at = start + _raw_place(part, error.start)
        words = (
            f"the form is not UTF-8 text: the escape at byte {at}, in the field `{_shown(name)}`, is "
            "part of no character"
        )
        return Fault("", "invalid-utf8", words)


def _raw_place(part: bytes, decoded: int) -> int:
    """Where in `part` the byte stands that is at `decoded` once the escapes are undone."""
    shift = 0
    for found in _ESCAPE.finditer(part):
        if found.start() - shift >= decoded:
            break
        shift += 2
    return decoded + shift


def _shown(name: bytes) -> str:
    return name.decode("utf-8", "replace")[:_NAME_SHOWN]
