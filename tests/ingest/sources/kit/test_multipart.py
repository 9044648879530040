from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin.ingest.sources.kit.decode import InvalidPayload, decode
from tocsin.ingest.sources.kit.form import MAX_FORM_FIELDS, FormFields
from tocsin.ingest.sources.kit.multipart import read_parts
from tocsin.model import Fault

TYPE = "multipart/form-data; boundary=xYz"


def part(head: str, value: bytes) -> bytes:
    return b"--xYz\r\n" + head.encode() + b"\r\n\r\n" + value + b"\r\n"


def field(name: str, value: bytes) -> bytes:
    return part(f'Content-Disposition: form-data; name="{name}"', value)


def test_fields_of_parts() -> None:
    body = (
        field("title", b"Disk\r\nfull") + field("tag", b"a") + field("tag", b"b") + b"--xYz--\r\n"
    )
    assert read_parts(body, TYPE) == FormFields({"title": "Disk\r\nfull", "tag": ["a", "b"]})


def test_a_preamble_an_end_that_is_missing_and_a_quoted_boundary() -> None:
    body = b"to be ignored\r\n" + field("title", "ü".encode()).removesuffix(b"\r\n")
    assert read_parts(body, 'multipart/form-data; boundary="xYz"') == FormFields({"title": "ü"})


def test_files_are_left_out() -> None:
    head = (
        'content-disposition: form-data; name="image"; filename="a.png"\r\nContent-Type: image/png'
    )
    body = part(head, b"\xff\xd8") + field("title", b"x") + b"--xYz--"
    assert read_parts(body, TYPE) == FormFields({"title": "x"})


def test_json_in_a_field_is_read_as_in_any_form() -> None:
    body = field("payload", b'{"zen": "x"}') + b"--xYz--"
    assert decode(body, TYPE) == {"zen": "x"}
    assert decode(field("title", b"x") + b"--xYz--", "Multipart/Form-Data; boundary=xYz") == {
        "title": "x"
    }


@pytest.mark.parametrize(
    ("body", "content_type", "code", "words"),
    [
        (field("a", b"x"), "multipart/form-data", "not-json", "no boundary"),
        (b"title=x", TYPE, "not-json", "nowhere"),
        (b"--xYz\r\n\r\nx", TYPE, "not-json", "no name"),
        (b'--xYz\r\nContent-Disposition: form-data; name="a"', TYPE, "not-json", "no name"),
        (field("a", b"\xff"), TYPE, "invalid-utf8", "`a`"),
        (field("a", b"") * (MAX_FORM_FIELDS + 1), TYPE, "not-json", "more than"),
    ],
)
def test_what_cannot_be_read_says_why(
    body: bytes, content_type: str, code: str, words: str
) -> None:
    fault = read_parts(body, content_type)
    assert isinstance(fault, Fault)
    assert fault.code == code
    assert words in fault.message


@given(st.binary(max_size=80), st.text(max_size=20))
def test_bytes_are_fields_or_a_fault(body: bytes, boundary: str) -> None:
    body = b"--xYz\r\n" + body
    for content_type in (TYPE, f"multipart/form-data; boundary={boundary}"):
        assert isinstance(read_parts(body, content_type), (FormFields, Fault))
        with suppress(InvalidPayload):
            decode(body, content_type)
