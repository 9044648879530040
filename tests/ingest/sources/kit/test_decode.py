from __future__ import annotations

import json
import time
from contextlib import suppress
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import astuple

from tocsin.ingest.sources.kit.decode import MAX_DEPTH, InvalidPayload, decode, read

FORM = "application/x-www-form-urlencoded"


def said(body: bytes, content_type: str | None) -> tuple[Any, ...]:
    """The value, whether the body itself is JSON, and what was repaired."""
    return astuple(read(body, content_type))


def fault_of(body: bytes, content_type: str | None = "application/json") -> tuple[str, str, str]:
    with pytest.raises(InvalidPayload) as error:
        decode(body, content_type)
    (fault,) = error.value.faults
    return fault.pointer, fault.code, fault.message


@pytest.mark.parametrize("content_type", [None, "", "text/plain", FORM, "multipart/x; q", "ü"])
def test_json_is_json_whatever_the_content_type_says(content_type: str | None) -> None:
    assert said(b' {"a": [1, 2.5, "x"]}\n', content_type) == ({"a": [1, 2.5, "x"]}, True, ())


@pytest.mark.parametrize(
    ("body", "code", "words"),
    [
        (b"", "empty-body", "empty"),
        (b" \r\n\t", "empty-body", "empty"),
        (b"{", "not-json", "after 1 bytes"),
        (b'{"a":1} x', "not-json", "trailing"),
        (b"[1,]", "not-json", "byte 3"),
        (b'{"a":NaNa}', "not-json", "byte 5"),
        (b'{"a":nan}', "not-json", "invalid character"),
        (b'{"a":NaN', "not-json", "after"),
        (b"hello", "not-json", "byte 0"),
        (b'"a\nb"', "not-json", "byte 2"),
        (b'"a\x00b"', "not-json", "byte 2"),
        (b"\x00", "not-json", "byte 0"),
        (b'"\\ud8"', "not-json", "escape"),
        (b'{"a":"\xff"}', "invalid-utf8", "byte 6"),
        (b'"\xed\xa0\x80"', "invalid-utf8", "byte 1"),
        (b'{"a":1e999}', "number-out-of-range", "$"),
        (b"-" + b"9" * 5000, "number-out-of-range", "large"),
        (b"[" * 100_000, "too-deep", str(MAX_DEPTH)),
        (b"[" * 500 + b"]" * 500, "too-deep", str(MAX_DEPTH)),
        (b'{"a":' * 500 + b"1" + b"}" * 500, "too-deep", str(MAX_DEPTH)),
    ],
)
def test_every_failure_says_where_and_why(body: bytes, code: str, words: str) -> None:
    pointer, found, message = fault_of(body)
    assert (pointer, found) == ("", code)
    assert words in message


def test_the_depth_limit_is_exact() -> None:
    assert decode(b"[" * MAX_DEPTH + b"]" * MAX_DEPTH, None)
    assert fault_of(b"[" * (MAX_DEPTH + 1) + b"]" * (MAX_DEPTH + 1))[1] == "too-deep"
    assert len(decode(b"[" + b"[]," * 5000 + b"[]]", None)) == 5001


def test_a_byte_order_mark_is_no_fault() -> None:
    assert said(b'\xef\xbb\xbf{"a":1}', None) == ({"a": 1}, False, ())
    for encoding in ("utf-16-le", "utf-16-be"):
        assert said('\ufeff{"ü":1}'.encode(encoding), None) == ({"ü": 1}, False, ())
    assert fault_of(b"\xef\xbb\xbf")[1] == "empty-body"


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (rb'"cut \ud83d"', "cut \ufffd"),
        (rb'"\ud800\u0041"', "\ufffdA"),
        (rb'"\ude00 \uDBFF"', "\ufffd \ufffd"),
        (rb'"\ud83d\ud83d\ude00"', "\ufffd😀"),
        (rb'{"\ud83d": "\\ud83d", "b": "\\\ud83d"}', {"\ufffd": "\\ud83d", "b": "\\\ufffd"}),
    ],
)
def test_half_of_a_surrogate_pair_is_repaired(body: bytes, value: object) -> None:
    assert said(body, None) == (value, False, ("text_repaired",))


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (b'{"a":NaN}', {"a": None}),
        (b'[Infinity, -Infinity,NaN, 1, "NaN"]', [None, None, None, 1, "NaN"]),
        (rb'["\" NaN", NaN]', ['" NaN', None]),
        (rb'["\\", NaN, "Infinity"]', ["\\", None, "Infinity"]),
    ],
)
def test_what_is_no_number_is_null(body: bytes, value: object) -> None:
    assert said(body, None) == (value, False, ("nan_as_null",))


def test_a_body_may_need_both_repairs_also_in_a_form() -> None:
    text = rb'{"a": NaN, "b": "\ud83d"}'
    repaired = ({"a": None, "b": "\ufffd"}, False, ("text_repaired", "nan_as_null"))
    assert said(text, None) == repaired
    assert said(b"\xef\xbb\xbf" + text, None) == repaired
    assert said(urlencode({"payload": text}).encode(), FORM) == repaired


def test_a_large_body_is_repaired_in_no_time() -> None:
    body = b"[" + rb'"\ud83d\n\"x", NaN, ' * 45_000 + rb'"' + rb"\\" * 50_000 + b'"]'
    began = time.thread_time()
    assert len(read(body, None).flags) == 2
    assert time.thread_time() - began < 0.5


def test_python_s_own_json_reads_the_same() -> None:
    for value in (float("nan"), float("inf"), "NaN", "a\ud83d", "\ud83d\ude00", '\\"NaN'):
        text = json.dumps({"k": [value, "NaN, NaN"]})
        got = read(text.encode(), None).value["k"]
        assert got[1] == "NaN, NaN"
        if isinstance(value, str):
            assert got[0] == value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        else:
            assert got[0] is None


def test_the_last_of_repeated_keys_wins() -> None:
    assert decode(b'{"a":1,"a":2}', None) == {"a": 2}


def test_a_large_number_within_limits_is_kept() -> None:
    assert decode(b"9" * 4300, None) == int("9" * 4300)


def test_github_puts_json_into_a_form() -> None:
    body = urlencode({"payload": json.dumps({"zen": "ü & +"})}).encode()
    assert said(body, f"{FORM}; charset=utf-8") == ({"zen": "ü & +"}, False, ())
    assert decode(body, None) == {"zen": "ü & +"}


def test_any_other_form_gives_its_fields() -> None:
    body = b"title=Disk+full&tag=a&tag=b&empty=&ue=%C3%BC"
    assert decode(body, FORM) == {"title": "Disk full", "tag": ["a", "b"], "empty": "", "ue": "ü"}


@pytest.mark.parametrize(
    ("body", "pointer", "code"),
    [
        (b"payload=%7Bnope", "/payload", "not-json"),
        (b"no pairs here", "", "not-json"),
        (b"a=%ff", "", "invalid-utf8"),
        (b"a=\xff", "", "invalid-utf8"),
        (b"a=1&" * 2000, "", "not-json"),
    ],
)
def test_a_broken_form(body: bytes, pointer: str, code: str) -> None:
    assert fault_of(body, FORM)[:2] == (pointer, code)


def test_a_form_by_another_name_is_not_json() -> None:
    assert fault_of(b"title=x", "application/json")[1] == "not-json"


@given(body=st.binary(max_size=60), content_type=st.sampled_from([None, FORM]))
def test_bytes_are_a_value_or_a_fault(body: bytes, content_type: str | None) -> None:
    with suppress(InvalidPayload):
        decode(body, content_type)
