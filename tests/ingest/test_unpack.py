"""From what is sent to UTF-8 text, never more of it than a body may have."""

from __future__ import annotations

import gzip
import random
import time
import zlib
from collections.abc import Callable

import brotli
import pytest
import zstandard

from tocsin.ingest.received_webhook import Declined
from tocsin.ingest.refusals import RefusalOutcome
from tocsin.ingest.unpack import unpack

TEXT = '{"title": "Zugänge gestört – 3 × „rot“"}'
LIMIT = 1_048_576


def raw_deflate(body: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(body) + packer.flush()


def without_a_size(body: bytes) -> bytes:
    packer = zstandard.ZstdCompressor(write_content_size=False).compressobj()
    return packer.compress(body) + packer.flush()


def read(body: bytes, coding: str = "", content_type: str = "", limit: int = LIMIT) -> bytes:
    unpacked = attempt(body, coding, content_type, limit)
    assert isinstance(unpacked, bytes), unpacked
    return unpacked


def attempt(
    body: bytes, coding: str = "", content_type: str = "", limit: int = LIMIT
) -> bytes | Declined:
    headers = {"content-encoding": coding, "content-type": content_type}
    return unpack(body, {name: value for name, value in headers.items() if value}, limit)


@pytest.mark.parametrize(
    ("coding", "pack"),
    [
        ("gzip", gzip.compress),
        ("x-gzip", gzip.compress),
        ("GZIP", gzip.compress),
        ("deflate", zlib.compress),
        ("deflate", raw_deflate),
        ("identity", bytes),
        ("gzip, identity", gzip.compress),
        ("deflate, gzip", lambda body: gzip.compress(zlib.compress(body))),
        ("gzip", lambda body: gzip.compress(body[:7]) + gzip.compress(body[7:])),
        ("br", brotli.compress),
        ("zstd", zstandard.compress),
        ("zstd", lambda body: zstandard.compress(body[:7]) + zstandard.compress(body[7:])),
        ("zstd", without_a_size),
        ("gzip, zstd", lambda body: zstandard.compress(gzip.compress(body))),
    ],
)
def test_packed(coding: str, pack: Callable[[bytes], bytes]) -> None:
    assert read(pack(TEXT.encode()), coding) == TEXT.encode()


@pytest.mark.parametrize("coding", ["compress", "lzma", "gzip, compress", "x" * 5_000])
def test_an_unknown_coding_is_415(coding: str) -> None:
    answer = attempt(b"\x1b\x00", coding)
    assert isinstance(answer, Declined)
    assert (answer.status_code, answer.problem) == (415, "unsupported-encoding")
    assert answer.outcome is RefusalOutcome.INVALID
    assert "gzip" in answer.detail
    assert len(answer.detail) < 300


PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "br": brotli.compress,
    "zstd": zstandard.compress,
}


@pytest.mark.parametrize("coding", PACKERS)
@pytest.mark.parametrize("kind", ["empty", "not packed", "cut", "junk"])
def test_what_does_not_unpack_is_400(coding: str, kind: str) -> None:
    packed = PACKERS[coding](TEXT.encode() * 20)
    body = {
        "empty": b"",
        "not packed": b'{"title": "not packed"}',
        "cut": packed[:-9],
        "junk": packed[:4] + b"x" * 300,
    }[kind]
    answer = attempt(body, coding)
    assert isinstance(answer, Declined)
    assert answer.status_code == 400
    assert coding in answer.detail


@pytest.mark.parametrize(
    ("coding", "bomb"),
    [
        ("gzip", gzip.compress(b"0" * 30 * LIMIT)),
        ("gzip", gzip.compress(b"0" * LIMIT) * 30),
        ("gzip", gzip.compress(b"0" * LIMIT + b"0")),
        ("br", brotli.compress(b"0" * 30 * LIMIT)),
        ("br", brotli.compress(b"0" * LIMIT + b"0")),
        ("zstd", zstandard.compress(b"0" * 30 * LIMIT)),
        ("zstd", without_a_size(b"0" * 30 * LIMIT)),
        ("zstd", zstandard.compress(b"0" * LIMIT) * 30),
        ("zstd", zstandard.compress(b"0" * LIMIT + b"0")),
    ],
    ids=range(9),
)
def test_a_bomb_is_413_early(coding: str, bomb: bytes) -> None:
    began = time.process_time()
    answer = attempt(bomb, coding)
    assert isinstance(answer, Declined)
    assert answer.status_code == 413
    assert time.process_time() - began < 0.1


def test_a_frame_that_asks_for_a_window_of_gigabytes_is_refused() -> None:
    parameters = zstandard.ZstdCompressionParameters(window_log=27, enable_ldm=True)
    packer = zstandard.ZstdCompressor(compression_params=parameters).compressobj()
    answer = attempt(packer.compress(TEXT.encode()) + packer.flush(), "zstd")
    assert isinstance(answer, Declined)
    assert answer.status_code == 400


@pytest.mark.parametrize("coding", ["gzip", "zstd"])
def test_thousands_of_empty_members_end(coding: str) -> None:
    began = time.process_time()
    attempt(PACKERS[coding](b"") * 50_000, coding)
    assert time.process_time() - began < 0.1


@pytest.mark.parametrize("coding", PACKERS)
def test_a_body_of_the_largest_size_is_unpacked_soon(coding: str) -> None:
    text = random.Random(7).randbytes(LIMIT // 2).hex().encode()
    packed = PACKERS[coding](text)
    began = time.process_time()
    assert read(packed, coding) == text
    assert time.process_time() - began < 0.5


@pytest.mark.parametrize("coding", PACKERS)
def test_the_limit_itself_fits(coding: str) -> None:
    assert len(read(PACKERS[coding](b"0" * LIMIT), coding)) == LIMIT


@pytest.mark.parametrize(
    ("charset", "codec"),
    [
        ("iso-8859-1", "cp1252"),
        ("windows-1252", "cp1252"),
        ("utf-16", "utf-16"),
        ("UTF-16LE", "utf-16-le"),
        ('"utf-16be"', "utf-16-be"),
        ("utf-32", "utf-32"),
        ("utf8", "utf-8"),
    ],
)
def test_declared_charsets(charset: str, codec: str) -> None:
    text = TEXT if codec.startswith("utf") else TEXT.replace("–", "-")
    if charset == "iso-8859-1":
        text, codec = '{"title": "Zugänge gestört"}', "latin-1"
    content_type = f"application/json; charset={charset}; x=y"
    assert read(text.encode(codec), content_type=content_type).decode().lstrip("\ufeff") == text


@pytest.mark.parametrize("charset", ["iso-8859-1", "utf-16", "us-ascii", "klingon", "rot13"])
def test_utf_8_is_utf_8_whatever_is_declared(charset: str) -> None:
    body = TEXT.encode()
    assert read(body, content_type=f"application/json; charset={charset}") is body


def test_a_byte_order_mark_is_a_declaration() -> None:
    assert read(TEXT.encode("utf-16")).decode() == TEXT


@pytest.mark.parametrize(
    "charset", ["klingon", "rot13", "unicode_escape", "idna", "x" * 500, "\xe9"]
)
def test_an_unknown_charset_is_415(charset: str) -> None:
    answer = attempt(b'{"title": "\xe4"}', content_type=f"application/json; charset={charset}")
    assert isinstance(answer, Declined)
    assert answer.status_code == 415
    assert "UTF-8" in answer.detail


def test_what_is_not_in_its_charset_is_400() -> None:
    answer = attempt(b"\0\xd8\0\xd8", content_type="application/json; charset=utf-16le")
    assert isinstance(answer, Declined)
    assert answer.status_code == 400


def test_text_that_grows_too_large_is_413() -> None:
    answer = attempt(b"\xe4" * LIMIT, content_type="text/plain; charset=latin-1")
    assert isinstance(answer, Declined)
    assert answer.status_code == 413
