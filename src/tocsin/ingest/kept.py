"""How a body is stored, and how it is read back.

A body that is a JSON object or array is kept as it came. Everything else is kept as a JSON string:
text as that text; anything but plain text as a `data:` URL, which loses no byte and is never
much larger, whatever bytes a stranger chooses.
"""

from __future__ import annotations

import base64
from typing import Final

import msgspec

_DATA: Final = b"data:application/octet-stream;base64,"

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(str).decode


def quoted(body: bytes, *, is_packed: bool = False, is_cut: bool = False) -> bytes:
    """Any bytes as JSON text: one string. Nothing of `body` is interpreted. `is_packed`: it is not
    text, whatever it looks like; `is_cut`: its end is missing, perhaps in mid-character."""
    if not is_packed and not body.startswith(_DATA) and b"\0" not in body:
        try:
            text = body.decode()
        except UnicodeDecodeError as error:
            if not is_cut or error.start < len(body) - 3:
                return _as_data(body)
            text = body[: error.start].decode()
        encoded = _encode(text)
        # Control characters take six bytes each.
        if len(encoded) <= 2 * len(body) + 2:
            return encoded
    return _as_data(body)


def restored(kept: str) -> tuple[bytes, bool]:
    """What was kept, and whether it is the body byte for byte as sent: packed, or in whatever
    character set, as nobody had read it."""
    if not kept.lstrip().startswith('"'):
        return kept.encode(), False
    body = _decode(kept).encode()
    if body.startswith(_DATA):
        return base64.b64decode(body[len(_DATA) :]), True
    return body, False


def _as_data(body: bytes) -> bytes:
    return b'"' + _DATA + base64.b64encode(body) + b'"'
