"""What strangers post where services call back: refused, without a fault and without a trace."""

from __future__ import annotations

from urllib.parse import quote
from uuid import UUID

import pytest

from tests.callbacks.conftest import Called

NOBODYS = UUID("0199b4a2-0000-7000-8000-0000000000ff")
"""The same in every process of a run: tests are named after it."""
PLACES = [
    "/callbacks/twilio/sms",
    f"/callbacks/twilio/sms/{NOBODYS}",
    f"/callbacks/twilio/voice/{NOBODYS}",
    f"/callbacks/twilio/voice/{NOBODYS}/ended",
    "/callbacks/twilio/sms/%00",
    "/callbacks/slack/interactions",
    f"/callbacks/pushover/{NOBODYS}/token/1234",
    "/callbacks/pushover/x/%00/%00",
    "/callbacks/nothing",
]
BODIES = [
    b"",
    b"From=%00&To=%00&Body=%00",
    b"From=" + quote("\ud800", errors="surrogatepass").encode() + b"&Body=STOP",
    b"From=%2B15550100001&Body=STOP&AccountSid=%00",
    b"&".join(b"a=%d" % each for each in range(2_000)),
    b"\xff\xfe\x00",
    b"payload=" + quote('{"type":"block_actions","actions":[{}],"user":1}').encode(),
    b"payload=" + quote("[" * 50_000).encode(),
    b"x" * 300_000,
]


@pytest.mark.parametrize("place", PLACES)
def test_nothing_comes_of_it(called: Called, place: str) -> None:
    called.twilio("sms", "phone")
    for body in BODIES:
        for headers in (
            {"X-Twilio-Signature": "\xe9" * 10, "X-Slack-Signature": "v0=\xe9"},
            {"X-Twilio-Signature": "x", "X-Slack-Request-Timestamp": "9" * 400},
            {},
        ):
            form = {"Content-Type": "application/x-www-form-urlencoded", **headers}
            answer = called.client.request("POST", place, raw=body, headers=form)
            assert answer.status in (200, 403, 404), (place, body[:40])
    assert called.audit("disabled") == []
