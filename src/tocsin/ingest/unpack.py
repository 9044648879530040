"""From a body as sent to UTF-8 text: Content-Encoding and declared character sets undone.

Done after verification, since a signature is made over what is sent. Never makes more bytes than a
body may have: a small body can unpack to a thousand times its size.
"""

from __future__ import annotations

import codecs
import zlib
from collections.abc import Mapping
from typing import Final

from tocsin.ingest.received_webhook import Declined
from tocsin.ingest.refusals import invalid_payload, too_large, unknown_encoding
from tocsin.model import Fault

_GZIP, _ZLIB, _DEFLATE = 31, 15, -15
"""Window bits, by which zlib knows the format. Some senders of `deflate` leave its frame out."""

_ZSTD_WINDOW: Final = 8_388_608
"""What RFC 8878, 3.1.1.1.2, asks of everybody; a sender may ask for gigabytes."""
_ZSTD_PIECE: Final = 128
"""Bytes, of which each four may become a block of 128 KiB."""

_ISO_8859: Final = tuple(f"iso8859-{part}" for part in (*range(2, 11), 13, 14, 15, 16))
_WINDOWS: Final = tuple(f"cp{page}" for page in range(1250, 1259))
_UNICODE: Final = ("utf-8", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be")
_EASTERN: Final = (
    "koi8-r",
    "koi8-u",
    "shift_jis",
    "cp932",
    "euc_jp",
    "gb18030",
    "gbk",
    "gb2312",
    "big5",
)
_MORE: Final = ("iso2022_jp", "tis-620", "cp874", "mac-roman")
_CHARSETS: Final = frozenset(
    codecs.lookup(name).name
    for name in ("ascii", "latin-1", "euc_kr", *_UNICODE, *_ISO_8859, *_WINDOWS, *_EASTERN, *_MORE)
)
_BYTE_ORDER_MARKS: Final = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def is_packed(headers: Mapping[str, str]) -> bool:
    """Whether the body is said to be compressed."""
    return headers.get("content-encoding", "identity").strip().lower() not in ("", "identity")


def unpack(body: bytes, headers: Mapping[str, str], limit: int) -> bytes | Declined:
    """`headers`: names in lower case. A body that is UTF-8 is what it is, whatever was declared:
    senders that name a charset by habit are more than those that use it."""
    if "content-encoding" in headers:
        for coding in reversed(headers["content-encoding"].lower().split(",")):
            unpacked = _undo(coding.strip(), body, limit)
            if isinstance(unpacked, Declined):
                return unpacked
            body = unpacked
    content_type = headers.get("content-type", "")
    if "charset" in content_type.lower() or body[:2] in _BYTE_ORDER_MARKS:
        return _text(body, _charset(content_type), limit)
    return body


def _undo(coding: str, body: bytes, limit: int) -> bytes | Declined:
    if coding in ("", "identity"):
        return body
    if coding in ("gzip", "x-gzip"):
        return _inflated(body, _GZIP, coding, limit)
    if coding == "deflate":
        is_framed = len(body) >= 2 and body[0] & 15 == 8 and (body[0] << 8 | body[1]) % 31 == 0
        return _inflated(body, _ZLIB if is_framed else _DEFLATE, coding, limit)
    if coding == "br":
        return _from_brotli(body, limit)
    if coding == "zstd":
        return _from_zstandard(body, limit)
    return unknown_encoding(
        f"Content-Encoding {coding[:40]!r} is not known here; send the body with gzip, deflate, br or "
        "zstd, or as it is."
    )


def _inflated(body: bytes, window_bits: int, coding: str, limit: int) -> bytes | Declined:
    parts: list[bytes] = []
    size = 0
    try:
        while True:
            stream = zlib.decompressobj(window_bits)
            part = stream.decompress(body, limit + 1 - size)
            size += len(part)
            if size > limit:
                return too_large(limit, "once it is unpacked")
            parts.append(part)
            if not stream.eof:
                return _broken(coding, "it ends too early")
            body = stream.unused_data
            # gzip may be made of several members, one behind the other (RFC 1952, 2.2).
            if window_bits != _GZIP or not body.startswith(b"\x1f\x8b") or not part:
                return b"".join(parts)
    except zlib.error:
        return _broken(coding, "its bytes are no such thing")


def _from_brotli(body: bytes, limit: int) -> bytes | Declined:
    import brotli  # hardly anybody needs it

    stream = brotli.Decompressor()
    parts: list[bytes] = []
    size, given = 0, body
    try:
        while True:
            part = stream.process(given, output_buffer_limit=limit + 1 - size)
            size += len(part)
            if size > limit:
                return too_large(limit, "once it is unpacked")
            parts.append(part)
            if stream.is_finished():
                return b"".join(parts)
            if not part and stream.can_accept_more_data():
                return _broken("br", "it ends too early")
            given = b""
    except brotli.error:
        return _broken("br", "its bytes are no such thing")


def _from_zstandard(body: bytes, limit: int) -> bytes | Declined:
    import zstandard

    unpacker = zstandard.ZstdDecompressor(max_window_size=_ZSTD_WINDOW)
    stream = unpacker.decompressobj()
    parts: list[bytes] = []
    size, at, frame_begins = 0, 0, 0
    try:
        while at < len(body):
            # Its output cannot be bounded, but that of so little input is.
            part = stream.decompress(body[at : at + _ZSTD_PIECE])
            at += _ZSTD_PIECE
            size += len(part)
            if size > limit:
                return too_large(limit, "once it is unpacked")
            parts.append(part)
            if stream.eof:
                # Several frames may follow each other (RFC 8878, 3).
                at = min(at, len(body)) - len(stream.unused_data)
                if at >= len(body) or size == frame_begins:
                    return b"".join(parts)
                stream, frame_begins = unpacker.decompressobj(), size
    except zstandard.ZstdError:
        return _broken("zstd", "its bytes are no such thing")
    return _broken("zstd", "it ends too early")


def _broken(coding: str, reason: str) -> Declined:
    message = f"the body was declared to be packed with {coding}, and cannot be unpacked: {reason}"
    return invalid_payload([Fault("", "not-unpackable", message)])


def _charset(content_type: str) -> str:
    for parameter in content_type.split(";")[1:]:
        name, _, value = parameter.partition("=")
        if name.strip().lower() == "charset":
            return value.strip().strip("\"'").lower()
    return ""


def known_codec(charset: str) -> str | None:
    """Python's name of a character set that is read here; None for all else, and for codecs that
    are none or may take long."""
    try:
        codec = codecs.lookup(charset).name
    except (LookupError, ValueError):
        return None
    return codec if codec in _CHARSETS else None


def _text(body: bytes, charset: str, limit: int) -> bytes | Declined:
    if b"\0" not in body:
        try:
            body.decode()
        except UnicodeDecodeError:
            pass
        else:
            return body
    if body[:2] in _BYTE_ORDER_MARKS and not charset.startswith("utf-32"):
        charset = "utf-16"
    if not charset:
        return body
    codec = known_codec(charset)
    if codec is None:
        return unknown_encoding(f"The charset {charset[:40]!r} is not known here; send UTF-8.")
    try:
        text = body.decode(codec).encode()
    except (UnicodeDecodeError, UnicodeEncodeError) as error:
        message = f"the body was declared to be {charset[:40]}, and is not (byte {error.start})"
        return invalid_payload([Fault("", "wrong-charset", message)])
    return text if len(text) <= limit else too_large(limit, "once it is UTF-8")
