from __future__ import annotations

from base64 import b64decode
from typing import Any
from urllib.parse import parse_qs

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.delivery.channels import samples, services
from tests.support import receivers
from tocsin.delivery.channels.base import Parts
from tocsin.delivery.channels.kit import sms_text
from tocsin.delivery.channels.registry import ValidConfig, validate_config
from tocsin.delivery.channels.sms import SmsChannel, SmsConfig
from tocsin.delivery.outcome import Failed, Outcome, Retry, Sent, Standing
from tocsin.message import Changes, Message
from tocsin.model import AlertStatus, EventType, Secret
from tocsin.settings import TwilioAccount

TAKEN = receivers.answer(201, '{"sid": "SM1", "status": "queued"}')


async def post(
    handler: receivers.Handler = TAKEN,
    message: Message | None = None,
    installation: bool = False,
    callbacks: str | None = "https://hub.example",
    **config: Any,
) -> tuple[Outcome, list[receivers.Received]]:
    async with receivers.http(handler) as it, services.outbound() as out:
        own = {} if installation else {"base_url": it.url, **services.TWILIO}
        account = TwilioAccount(
            it.url, services.ACCOUNT_SID, Secret(services.SECRET), "+15550100009"
        )
        parts = Parts(out, callbacks=callbacks, twilio=account if installation else None)
        outcome = await SmsChannel(parts).send(
            message or samples.message(),
            SmsConfig(to="+1 (555) 010-0001", **own, **config),
            samples.links_for,
            {},
        )
        return outcome, it.received


def body(received: list[receivers.Received]) -> str:
    return parse_qs(received[0].body.decode())["Body"][0]


async def test_the_request_is_twilios() -> None:
    outcome, received = await post()

    assert isinstance(outcome, Sent)
    assert outcome.confirmed is False
    assert outcome.progress == {"sid": "SM1"}
    [request] = received
    assert request.path == f"/2010-04-01/Accounts/{services.ACCOUNT_SID}/Messages.json"
    login = b64decode(request.headers["Authorization"].removeprefix("Basic ")).decode()
    assert login == f"{services.ACCOUNT_SID}:{services.SECRET}"
    assert parse_qs(request.body.decode()) == {
        "To": ["+15550100001"],
        "From": ["+15550100000"],
        "StatusCallback": [f"https://hub.example/callbacks/twilio/sms/{samples.DELIVERY_ID}"],
        "Body": [
            "CRITICAL: Disk /var almost full on db1\nprometheus-production, Acme Ltd\n"
            "97 % used, 1.2 GiB free.\nGrowing by 40 MiB an hour.\nReply: ack 7305"
        ],
    }


async def test_a_messaging_service_picks_the_number() -> None:
    service = "MG" + "0" * 32
    _, received = await post(installation=True, sender=service)

    fields = parse_qs(received[0].body.decode())
    assert fields["MessagingServiceSid"] == [service]
    assert "From" not in fields


async def test_without_an_account_of_its_own_it_uses_the_installations() -> None:
    outcome, received = await post(installation=True)

    assert isinstance(outcome, Sent)
    assert parse_qs(received[0].body.decode())["From"] == ["+15550100009"]


async def test_without_any_account_messages_wait_for_one() -> None:
    async with services.outbound() as out:
        config = SmsConfig(to="+15550100001")
        outcome = await SmsChannel(Parts(out)).send(
            samples.message(), config, samples.links_for, {}
        )

    assert isinstance(outcome, Retry)
    assert outcome.standing is Standing.MISCONFIGURED
    assert "TOCSIN_TWILIO_URL" in outcome.message


async def test_without_a_public_url_nobody_is_asked_to_reply() -> None:
    _, received = await post(callbacks=None)

    assert "Reply" not in body(received)
    assert "StatusCallback" not in received[0].body.decode()


async def test_an_end_asks_for_nothing() -> None:
    _, received = await post(message=samples.message(EventType.RESOLVED))

    assert body(received).startswith("CRITICAL - resolved: Disk /var")
    assert "Reply" not in body(received)


async def test_what_is_acknowledged_can_be_resolved() -> None:
    about = samples.alert(status=AlertStatus.ACKNOWLEDGED)
    _, received = await post(message=samples.message(EventType.ACKNOWLEDGED, about))

    assert body(received).endswith("Reply: resolve 7305")


async def test_a_message_about_several_lists_them() -> None:
    alerts = [samples.alert(title=f"Disk {number} is full") for number in range(3)]
    _, received = await post(message=samples.several(alerts))

    text = body(received)
    assert text.startswith("CRITICAL: team=orders (3 open)")
    assert "Disk 0 is full" in text
    assert text.endswith("Reply: ack 7305")


async def test_a_note_is_not_lost() -> None:
    _, received = await post(message=samples.message(note="Sent here because mail failed."))

    assert "Sent here because mail failed." in body(received)


@pytest.mark.parametrize("text", [samples.HOSTILE, samples.HUGE, "火事だ🔥" * 200])
@pytest.mark.parametrize("most", [1, 2, 6])
async def test_the_worst_title_costs_no_more_than_it_may(text: str, most: int) -> None:
    message = samples.message(about=samples.hostile(text))
    _, received = await post(message=message, segments=most)

    sent = body(received)
    assert sms_text.segments(sent) <= most
    assert sent.startswith("CRITICAL: ")
    assert sent.endswith("Reply: ack 7305")


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("", 1),
        ("a" * 160, 1),
        ("a" * 161, 2),
        ("a" * 306, 2),
        ("a" * 307, 3),
        ("€" * 80, 1),
        ("€" * 81, 2),
        # 76 pairs and one place to spare, twice; then one character more.
        ("€" * 152, 2),
        ("€" * 153, 3),
        ("я" * 70, 1),
        ("я" * 71, 2),
        ("я" * 134, 2),
        ("я" * 135, 3),
        ("🔥" * 35, 1),
        ("🔥" * 36, 2),
        # 33 pairs and one unit to spare in each.
        ("🔥" * 66, 2),
        ("🔥" * 67, 3),
    ],
)
def test_segments_are_counted_as_they_are_charged(text: str, count: int) -> None:
    assert sms_text.segments(text) == count


@given(st.text(max_size=400), st.text(max_size=800), st.integers(1, 6))
def test_what_fits_is_never_longer_and_never_loses_its_end(head: str, rest: str, most: int) -> None:
    text = sms_text.fit(head, rest, "Reply: ack 7305", most)

    assert sms_text.segments(text) <= most
    assert text.endswith("Reply: ack 7305")


@pytest.mark.parametrize(
    ("code", "status", "outcome", "standing"),
    [
        (21610, 400, Failed, None),
        (21211, 400, Failed, None),
        (21614, 400, Failed, None),
        (21408, 403, Retry, Standing.MISCONFIGURED),
        (21606, 400, Retry, Standing.MISCONFIGURED),
        (20003, 401, Retry, Standing.MISCONFIGURED),
        (20429, 429, Retry, Standing.THROTTLED),
        (30001, 503, Retry, Standing.FAILING),
        (12345, 400, Failed, None),
    ],
)
async def test_twilios_errors(
    code: int, status: int, outcome: type, standing: Standing | None
) -> None:
    answer = receivers.answer(status, f'{{"code": {code}, "message": "x", "status": {status}}}')
    got, _ = await post(answer)

    assert isinstance(got, outcome), got
    assert getattr(got, "standing", None) is standing
    assert getattr(got, "disables_destination", False) is (code == 21610)


async def test_a_stranger_in_twilios_place_has_not_taken_it() -> None:
    for reply in (
        receivers.answer(200, "ok"),
        receivers.answer(201, "{}"),
        receivers.answer(201, '{"x": ' + "[" * 4_000),
    ):
        outcome, _ = await post(reply)
        assert isinstance(outcome, Retry)


@pytest.mark.parametrize(
    ("document", "pointer"),
    [
        ({"to": "0660 1234567"}, "/to"),
        ({"to": "+0"}, "/to"),
        ({"to": "+15550100001", "account_sid": "AC1"}, "/account_sid"),
        ({"to": "+15550100001", "account_sid": services.ACCOUNT_SID}, ""),
        ({"to": "+15550100001", "base_url": "https://mine.example"}, ""),
        ({"to": "+15550100001", "sender": "not a sender!"}, "/sender"),
        ({"to": "+15550100001", "segments": 7}, "/segments"),
    ],
)
def test_what_is_wrong_is_said_where_it_is(document: dict[str, Any], pointer: str) -> None:
    faults = validate_config("sms", document)

    assert isinstance(faults, list)
    assert [fault.pointer for fault in faults] == [pointer]


def test_a_kept_token_goes_nowhere_else() -> None:
    """Who may change a destination cannot have the token sent to himself."""
    first = validate_config("sms", {**services.document("sms", "https://api.example")})
    assert isinstance(first, ValidConfig)
    moved = {**services.document("sms", "https://mine.example"), "auth_token": "[redacted]"}

    faults = validate_config("sms", moved, stored=first.config)

    assert isinstance(faults, list)
    assert [(fault.pointer, fault.code) for fault in faults] == [("/auth_token", "enter-again")]
    assert isinstance(
        validate_config("sms", {**moved, "auth_token": services.SECRET}, stored=first.config),
        ValidConfig,
    )
    assert isinstance(
        validate_config("sms", {**moved, "base_url": "https://api.example"}, stored=first.config),
        ValidConfig,
    )


async def test_pages_in_one_text_are_counted_first_and_one_reply_is_for_those_listed() -> None:
    alerts = [samples.alert(title=f"Disk {number} is full") for number in range(10)]
    pages = samples.several(
        alerts,
        event_type=EventType.PAGES,
        title="190 alerts, 12 critical",
        changes=Changes(new=190, open=200),
        more=180,
    )
    _, received = await post(message=pages)

    text = body(received)
    assert text.startswith("CRITICAL: 190 alerts, 12 critical (200 open)\n+190; 200 open.")
    assert text.endswith("Reply: ack 7305")
    assert text.count("Reply") == 1
    assert sms_text.segments(text) <= 2
