from __future__ import annotations

from urllib.parse import parse_qsl, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin.ingest.sources.kit.form import MAX_FORM_FIELDS, NOT_ENCODED, FormFields, read_form
from tocsin.model import Fault


def fields_of(body: bytes) -> dict[str, object]:
    form = read_form(body)
    assert isinstance(form, FormFields), form
    return form.fields


@pytest.mark.parametrize(
    ("body", "code", "words"),
    [
        (b"name=Disk&message=A \xe4 B", "invalid-utf8", "byte 20, in the field `message`"),
        (b"a=1&b=x%20%E4%62", "invalid-utf8", "escape at byte 10, in the field `b`"),
        (b"%ff=1", "invalid-utf8", "escape at byte 0"),
        (b"a=%C3%BC%fc", "invalid-utf8", "escape at byte 8"),
        (b"message=R & D is down&id=7", "not-json", "`&` at byte 10"),
        (b"message=R & D is down&id=7", "not-json", "field `message`, it must be written %26"),
        (b"a=1&", "not-json", "`&` at byte 3"),
        (b"just words", "not-json", "neither JSON nor a form"),
        (b"a=1&" * MAX_FORM_FIELDS + b"a=1", "not-json", "more than 1000 fields"),
    ],
)
def test_what_cannot_be_read_says_where(body: bytes, code: str, words: str) -> None:
    fault = read_form(body)
    assert isinstance(fault, Fault)
    assert fault.code == code
    assert words in fault.message


def test_places_count_from_the_first_byte_of_the_body() -> None:
    fault = read_form(b"\r\n a=1&b=%ff\n")
    assert isinstance(fault, Fault)
    assert "byte 9," in fault.message


@pytest.mark.parametrize(
    ("body", "value"),
    [(b"a=95% full", "95% full"), (b"a=%location", "%location"), (b"a=50%", "50%")],
)
def test_a_percent_sign_that_begins_no_escape_stands_for_itself(body: bytes, value: str) -> None:
    assert read_form(body) == FormFields({"a": value}, (NOT_ENCODED,))


def test_a_flag_is_for_what_is_not_encoded_alone() -> None:
    assert read_form(b"a=95%25+full&b=&b=x%26y") == FormFields({"a": "95% full", "b": ["", "x&y"]})


@given(st.lists(st.tuples(st.text(), st.text()), min_size=1, max_size=20))
def test_what_is_encoded_is_read_as_it_was(pairs: list[tuple[str, str]]) -> None:
    body = urlencode(pairs).encode()
    found: dict[str, object] = {}
    for name, value in parse_qsl(body.decode(), keep_blank_values=True):
        known = found.get(name)
        if isinstance(known, list):
            known.append(value)
        else:
            found[name] = value if known is None else [known, value]
    assert fields_of(body) == found


@given(st.binary(max_size=80))
def test_bytes_are_a_form_or_a_fault(body: bytes) -> None:
    assert isinstance(read_form(body), (FormFields, Fault))
