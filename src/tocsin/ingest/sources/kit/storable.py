"""Make what a sender wrote storable: PostgreSQL's text and jsonb cannot hold U+0000, a column
has a bound, and a label is flat text. The raw payload stays on record as it came."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from tocsin.model import EXTERNAL_ID_LIMIT, LABEL_VALUE_LIMIT
from tocsin.model.cutting import beginning

REPLACEMENT: Final = "\ufffd"

METADATA_BYTES: Final = 65_536
"""JSON text kept as the metadata of one alert."""
METADATA_DEPTH: Final = 16
LABELS_LIMIT: Final = 200
LABEL_NAME_LIMIT: Final = 200
EXTERNAL_ID_BYTES: Final = 2_000
"""A B-tree entry holds at most a third of an 8 KiB page; see PostgreSQL's "B-Tree Indexes"."""

_encode = msgspec.json.Encoder().encode
# No double holds 10^300 times anything useful, and few readers of JSON hold more than a double.
_LONG_NUMBER: Final = re.compile(rb"[0-9]{300}")


def clean_text(text: str, limit: int) -> tuple[str, bool]:
    """`text` without U+0000 and unpaired surrogates, at most `limit` characters; whether it was
    cut (it then ends in `…`)."""
    if "\0" in text:
        text = text.replace("\0", REPLACEMENT)
    if not text.isascii():
        text = _without_surrogates(text)
    if len(text) > limit:
        return beginning(text, limit - 1) + "…", True
    return text, False


def clean_external_id(text: str) -> tuple[str, bool]:
    """An id that fits its index; an over-long one keeps its beginning and gains its SHA-256, so
    that different ids stay different and equal ones equal."""
    if len(text) <= 500 and text.isascii() and "\0" not in text:
        return text, False
    cleaned, _ = clean_text(text, len(text) + 1)
    encoded = cleaned.encode()
    if len(cleaned) <= EXTERNAL_ID_LIMIT and len(encoded) <= EXTERNAL_ID_BYTES:
        return cleaned, False
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
    beginning = encoded[: EXTERNAL_ID_LIMIT - 65].decode("utf-8", "ignore")
    return f"{beginning}~{digest}", True


def clean_json(value: Any) -> Any:
    """`value` as jsonb can hold it: no U+0000 or unpaired surrogate in strings and keys, no NaN or
    infinity (null), integers beyond ±1e300 as text, bounded depth and size (what is left out says
    so). An ordinary value comes back as the same object."""
    try:
        encoded = _encode(value)
    except (TypeError, ValueError, RecursionError, OverflowError):
        return _Cleaner().clean(value, METADATA_DEPTH)
    if (
        len(encoded) <= METADATA_BYTES
        and b"\\u0000" not in encoded
        # A NaN reads null here, so a null calls for the exact look; so do doubtful depths.
        and b"null" not in encoded
        and encoded.count(b"{") + encoded.count(b"[") <= METADATA_DEPTH
        and (len(encoded) < 300 or _LONG_NUMBER.search(encoded) is None)
    ):
        return value
    return _Cleaner().clean(value, METADATA_DEPTH)


def flat_labels(labels: Mapping[str, Any]) -> tuple[dict[str, str], bool]:
    """Labels as a flat string map: text as it is, true/false and numbers as in JSON, nested values
    as JSON text; null means absent. Bounded in number and length; whether anything was cut."""
    if _are_plain(labels):
        return dict(labels), False
    flat: dict[str, str] = {}
    cut = len(labels) > LABELS_LIMIT
    for name, value in labels.items():
        if type(value) is str:
            text = value
        elif value is None:
            continue
        else:
            text = label_text(value)
        if len(text) > LABEL_VALUE_LIMIT or "\0" in text or not text.isascii():
            text, shorter = clean_text(text, LABEL_VALUE_LIMIT)
            cut = cut or shorter
        if len(name) > LABEL_NAME_LIMIT or "\0" in name or not name.isascii():
            name, shorter = clean_text(name, LABEL_NAME_LIMIT)
            cut = cut or shorter
        flat[name] = text
        if len(flat) >= LABELS_LIMIT:
            break
    return flat, cut


def _are_plain(labels: Mapping[str, Any]) -> bool:
    """Whether nothing has to be done to any of them; False where that is not plain to see. A look at
    all of them together costs half of one look at each."""
    try:
        names, texts = "".join(labels), "".join(labels.values())
    except TypeError:  # not all of them are texts
        return False
    return (
        len(labels) <= LABELS_LIMIT
        and len(names) <= LABEL_NAME_LIMIT
        and len(texts) <= LABEL_VALUE_LIMIT
        and names.isascii()
        and texts.isascii()
        and "\0" not in names
        and "\0" not in texts
    )


def label_text(value: Any) -> str:
    """One JSON value as a label's text."""
    if isinstance(value, str):
        return value
    try:
        return _encode(value).decode()
    except (TypeError, ValueError, RecursionError, OverflowError):
        return _encode(_Cleaner().clean(value, METADATA_DEPTH)).decode()


def _without_surrogates(text: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogatepass").decode("utf-8", "replace")
    return text


class _Cleaner:
    """One walk over one value, with what is left of the size."""

    def __init__(self) -> None:
        self.left = METADATA_BYTES

    def clean(self, value: Any, depth: int) -> Any:
        if isinstance(value, str):
            return self._text(value)
        self.left -= 8
        if value is None or isinstance(value, bool):
            return value
        if isinstance(value, int):
            return self._integer(value)
        if isinstance(value, float):
            return value if value - value == 0 else None
        if isinstance(value, dict):
            return self._object(value, depth)
        if isinstance(value, (list, tuple)):
            return self._array(value, depth)
        return self._text(str(value))

    def _text(self, text: str) -> str:
        text, _ = clean_text(text, max(self.left, 16))
        self.left -= 4 + (len(text) if text.isascii() else len(text.encode()))
        return text

    def _integer(self, value: int) -> int | str:
        if -(10**300) <= value <= 10**300:
            return value
        return hex(value) if value.bit_length() > 14_000 else str(value)

    def _object(self, value: dict[Any, Any], depth: int) -> Any:
        if depth <= 0:
            return "[left out: nested too deep]"
        result: dict[str, Any] = {}
        for key, item in value.items():
            if self.left <= 0:
                result["…"] = "[left out: too large]"
                break
            result[self._text(str(key))] = self.clean(item, depth - 1)
        return result

    def _array(self, value: list[Any] | tuple[Any, ...], depth: int) -> Any:
        if depth <= 0:
            return "[left out: nested too deep]"
        result: list[Any] = []
        for item in value:
            if self.left <= 0:
                result.append("[left out: too large]")
                break
            result.append(self.clean(item, depth - 1))
        return result
