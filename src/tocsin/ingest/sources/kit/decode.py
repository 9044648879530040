"""Bytes to JSON value. What cannot be read becomes `InvalidPayload` with a place and a reason."""

from __future__ import annotations

import codecs
import re
from collections.abc import Sequence
from typing import Any, Final

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from tocsin.ingest.sources.kit.form import FormFields, read_form
from tocsin.ingest.sources.kit.multipart import MEDIA_TYPE as MULTIPART
from tocsin.ingest.sources.kit.multipart import read_parts
from tocsin.model import Fault

MAX_DEPTH: Final = 128
"""Nested arrays and objects accepted in a body; real payloads stay below 20."""

MAX_VALUES: Final = 100_000
"""Of one body, by its commas and brackets. Real payloads have one value in 20 bytes or more, 50,000
in a mebibyte; one of nothing but `[],` has 350,000, and each costs more than a thousand bytes of
text do."""
MAX_DIGITS: Final = 400
"""Of one number in a large body: reading and writing it takes time by the square of its length."""
LARGE_BYTES: Final = 65_536
"""From here on a body may hold more than is good; below it, it cannot."""

MAX_FAULTS: Final = 100

# A whole pair, half of one (the group), or any other escape.
_ESCAPE: Final = re.compile(
    rb"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"
    rb"|(u[dD][89a-fA-F][0-9a-fA-F]{2})|.)",
    re.DOTALL,
)
_STRING_OR_NAN: Final = re.compile(
    rb'"(?:[^"\\]++|\\.)*+"|(?<![\w.])-?(?:NaN|Infinity)(?![\w.])', re.DOTALL
)

_DIGITS_ONLY: Final = bytes(ord("0") if byte in b"0123456789" else ord(" ") for byte in range(256))
_MANY_DIGITS: Final = b"0" * (MAX_DIGITS + 1)


def _number(text: str) -> float:
    value = float(text)
    if value - value != 0:
        raise ValueError("Number out of range")
    return value


# By itself msgspec takes a hundred times as long for some numbers, `1e308` for one.
_decode = msgspec.json.Decoder(float_hook=_number).decode


class InvalidPayload(Exception):
    """The webhook is authentic and cannot be understood; `faults` names everything wrong in it."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__("; ".join(f"{fault.pointer}: {fault.message}" for fault in faults[:3]))
        self.faults: list[Fault] = list(faults[:MAX_FAULTS])


class Decoded(Struct):
    """What a body says."""

    value: Any
    is_json: bool
    """Whether the body itself is JSON text as everybody reads it."""
    flags: tuple[str, ...] = ()
    """What had to be repaired."""


def decode(body: bytes, content_type: str | None) -> Any:
    """The JSON value in `body`; see `read`.

    Raises:
        InvalidPayload: with one fault that names the byte where reading stopped.
    """
    return read(body, content_type).value


def read(body: bytes, content_type: str | None) -> Decoded:
    """The JSON value in `body`, whatever Content-Type claims: JSON is always tried first.

    A form (application/x-www-form-urlencoded or multipart/form-data) with a field `payload` holding
    JSON gives that JSON, as GitHub sends it; any other form gives its fields as an object, a repeated
    field as a list (see `read_form` and `read_parts`).
    Of a repeated object key the last one wins. Numbers: `1e400` and integers of more than 4,300
    digits are refused, as nothing behind this point could hold them.

    Repaired and flagged is what common libraries write and others refuse: half of a surrogate pair
    in an escape becomes U+FFFD (`text_repaired`); NaN and Infinity become null (`nan_as_null`).

    Raises:
        InvalidPayload: with one fault that names the byte where reading stopped.
    """
    if len(body) > LARGE_BYTES:
        _weigh(body)
    try:
        value = _decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        return _second_try(body, content_type, error)
    # Few brackets cannot nest deeply; only a bracket-rich body is worth the exact count.
    if body.count(b"{") + body.count(b"[") > MAX_DEPTH and _is_deep(value, MAX_DEPTH):
        raise InvalidPayload([_too_deep()])
    return Decoded(value, True)


def _second_try(body: bytes, content_type: str | None, error: Exception) -> Decoded:
    stripped = body.strip()
    if not stripped:
        raise InvalidPayload([Fault("", "empty-body", "the body is empty; JSON was expected")])
    if (plain := _without_mark(body, stripped)) is not None:
        return replace(read(plain, None), is_json=False)
    media_type = (content_type or "").partition(";")[0].strip().lower()
    if media_type == "application/x-www-form-urlencoded" or stripped[:11].lower() == b"payload=%7b":
        return _form(read_form(body))
    if media_type == MULTIPART:
        return _form(read_parts(body, content_type or ""))
    if isinstance(error, msgspec.DecodeError):
        repaired, flags = _repaired(body)
        if flags:
            return replace(read(repaired, None), is_json=False, flags=flags)
    raise InvalidPayload([_explain(body, error)]) from None


def _without_mark(body: bytes, stripped: bytes) -> bytes | None:
    """UTF-8 text of a body that begins with a byte order mark."""
    if stripped.startswith(codecs.BOM_UTF8):
        return stripped[3:]
    if body.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return body.decode("utf-16", "replace").encode("utf-8", "replace")
    return None


def _repaired(body: bytes) -> tuple[bytes, tuple[str, ...]]:
    flags: list[str] = []
    lower = body.lower()
    if b"\\ud" in lower:
        body, count = _halves_replaced(body)
        if count:
            flags.append("text_repaired")
    if b"nan" in lower or b"infinity" in lower:
        replaced = _STRING_OR_NAN.sub(_null_for_nan, body)
        if replaced != body:
            body = replaced
            flags.append("nan_as_null")
    return body, tuple(flags)


def _halves_replaced(body: bytes) -> tuple[bytes, int]:
    count = 0

    def replacement(found: re.Match[bytes]) -> bytes:
        nonlocal count
        if found[1] is None:
            return found[0]
        count += 1
        return b"\\ufffd"

    return _ESCAPE.sub(replacement, body), count


def _null_for_nan(found: re.Match[bytes]) -> bytes:
    return found[0] if found[0].startswith(b'"') else b"null"


def _form(form: FormFields | Fault) -> Decoded:
    if isinstance(form, Fault):
        raise InvalidPayload([form])
    payload = form.fields.get("payload")
    if isinstance(payload, str):
        try:
            return replace(read(payload.encode(), None), is_json=False)
        except InvalidPayload as error:
            first = error.faults[0]
            message = f"the form's field `payload`: {first.message}"
            raise InvalidPayload([Fault("/payload", first.code, message)]) from None
    return Decoded(form.fields, False, form.flags)


def _explain(body: bytes, error: Exception) -> Fault:
    if isinstance(error, RecursionError):
        return _too_deep()
    if isinstance(error, UnicodeDecodeError):
        message = "the JSON text holds bytes that are not UTF-8"
        # Inside a string the position counts from that string; look it up in the body.
        try:
            body.decode("utf-8")
        except UnicodeDecodeError as exact:
            message += f" (byte {exact.start})"
        return Fault("", "invalid-utf8", message)
    text = str(error)
    if isinstance(error, msgspec.ValidationError):
        return Fault("", "number-out-of-range", f"a number is too large ({text})")
    if "truncated" in text:
        message = f"the JSON text ends too early (after {len(body)} bytes)"
        if b"\\ud" in body.lower():
            message += ", or a \\u escape in it is half of a surrogate pair"
        return Fault("", "not-json", message)
    return Fault(
        "", "not-json", f"the body is not JSON: {text.removeprefix('JSON is malformed: ')}"
    )


def _too_deep() -> Fault:
    return Fault("", "too-deep", f"arrays and objects nest more than {MAX_DEPTH} deep")


def _weigh(body: bytes) -> None:
    """Refuse JSON text whose reading would keep everybody else waiting.

    Raises:
        InvalidPayload: it holds too many values, or a number of too many digits.
    """
    if body.lstrip()[:1] not in (b"[", b"{"):
        return
    if _values(body) <= MAX_VALUES and not _has_long_number(body):
        return
    # It may be what stands in strings: look at the rest alone. Each string has two quotes.
    plain = body.replace(b"\\\\", b"").replace(b'\\"', b"")
    if plain.count(b'"') <= 4 * MAX_VALUES:
        plain = b'"'.join(plain.split(b'"')[::2])
        if _values(plain) <= MAX_VALUES:
            if _has_long_number(plain):
                message = f"a number has more than {MAX_DIGITS} digits"
                raise InvalidPayload([Fault("", "number-out-of-range", message)])
            return
    message = f"the JSON text holds more than {MAX_VALUES} values"
    raise InvalidPayload([Fault("", "too-many-values", message)])


def _values(text: bytes) -> int:
    """No fewer than there are."""
    return text.count(b",") + text.count(b"[") + text.count(b"{")


def _has_long_number(text: bytes) -> bool:
    return _MANY_DIGITS in text.translate(_DIGITS_ONLY)


def _is_deep(value: Any, levels: int) -> bool:
    """Whether containers nest more than `levels` deep; breadth first, so without recursion."""
    layer = [value] if type(value) is dict or type(value) is list else []
    while layer:
        if levels == 0:
            return True
        levels -= 1
        layer = [
            below
            for item in layer
            for below in (item.values() if type(item) is dict else item)
            if type(below) is dict or type(below) is list
        ]
    return False
