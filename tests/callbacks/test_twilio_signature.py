"""The signature, judged by Twilio's own library."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from multidict import MultiDict
from twilio.request_validator import RequestValidator

from tocsin.delivery.channels.kit.twilio import SignedForm, signature
from tocsin.model import Secret

URL = "https://hub.example/callbacks/twilio/sms"
TOKEN = "12345"
_fields = st.lists(st.tuples(st.text(max_size=20), st.text(max_size=40)), max_size=12)


@given(_fields, st.text(st.characters(codec="ascii"), max_size=40))
def test_it_is_twilios(fields: list[tuple[str, str]], token: str) -> None:
    theirs = RequestValidator(token).compute_signature(URL, MultiDict(fields))
    assert signature(Secret(token), URL, fields) == theirs


def test_the_example_of_twilios_documentation() -> None:
    fields = {
        "CallSid": "CA1234567890ABCDE",
        "Caller": "+14158675309",
        "Digits": "1234",
        "From": "+14158675309",
        "To": "+18005551212",
    }
    url = "https://mycompany.com/myapp.php?foo=1&bar=2"
    assert signature(Secret(TOKEN), url, fields.items()) == "RSOYDt4T1cUTdK1PDd93/VVr8B8="


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ("https://hub.example/a", "https://hub.example/a"),
        ("https://hub.example/a", "https://hub.example:443/a"),
        ("https://hub.example:443/a", "https://hub.example/a"),
        ("https://hub.example:8443/a", "https://hub.example:8443/a"),
        ("https://hub.example:8443/a", "https://hub.example/a"),
        ("http://hub.example/a?x=1", "http://hub.example:80/a?x=1"),
    ],
)
def test_a_port_may_be_signed_or_not(ours: str, theirs: str) -> None:
    fields = {"Body": "ack 1234"}
    signed = RequestValidator(TOKEN).compute_signature(theirs, fields)
    form = SignedForm(ours, tuple(fields.items()), signed)
    assert form.is_signed_with(Secret(TOKEN))
    assert not form.is_signed_with(Secret(TOKEN + "6"))


@pytest.mark.parametrize("given", ["", "é", "RSOYDt4T1cUTdK1PDd93/VVr8B8", "x" * 10_000])
def test_nonsense_is_a_mismatch(given: str) -> None:
    assert not SignedForm(URL, (("a", "b"),), given).is_signed_with(Secret(TOKEN))
