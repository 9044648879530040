"""Replies and reports by text message, each signed by Twilio's own library."""

from __future__ import annotations

from uuid import UUID, uuid4

import pytest
from twilio.request_validator import RequestValidator

from tests.callbacks.conftest import HUB, PHONE, PUBLIC_URL, TOKEN, Called
from tests.support.outbox import KEY
from tocsin.access.links import LinkSigner
from tocsin.callbacks import twilio_sms
from tocsin.model import EventType, Severity, uuid7


async def test_a_reply_with_the_code_acknowledges(called: Called) -> None:
    sent = await called.send()

    answer = called.reply(f" Ack {sent.code}\n")

    assert answer.status == 200
    assert answer.headers["content-type"].startswith("text/xml")
    assert "<Response><Message>Acknowledged: Disk.</Message></Response>" in answer.body.decode()
    assert called.status_of(sent.delivery_id) == "ACKNOWLEDGED"
    [(kind, actor)] = called.events(sent.delivery_id)
    assert kind == "acknowledged"
    assert (actor["kind"], actor["id"]) == ("recipient", str(sent.destination_id))

    again = called.reply(sent.code)
    assert "Already acknowledged: Disk." in again.body.decode()
    assert len(called.events(sent.delivery_id)) == 1

    assert "Resolved: Disk." in called.reply(f"resolve {sent.code}").body.decode()
    assert called.status_of(sent.delivery_id) == "RESOLVED"


async def test_a_contact_method_answers_in_its_persons_name(called: Called) -> None:
    sent = await called.send()
    user_id = uuid7()
    called.outbox.db.execute(
        "INSERT INTO users (id, email, name) VALUES (%s, 'ada@example.com', 'Ada')", [user_id]
    )
    called.outbox.db.execute(
        "UPDATE alert_destinations SET user_id = %s WHERE id = %s", [user_id, sent.destination_id]
    )

    called.reply(f"ack {sent.code}")

    [(_, actor)] = called.events(sent.delivery_id)
    assert actor == {"kind": "user", "name": "Ada", "id": str(user_id)}


async def test_one_reply_acknowledges_what_a_message_lists(called: Called) -> None:
    destination_id = called.twilio("sms", "several")
    carried = [called.outbox.plan(destination_id) for _ in range(3)]
    message_id = await called.outbox.carry(destination_id, carried)
    called.outbox.db.execute(
        "UPDATE alert_deliveries SET status = 'sent', sent_at = now(), attempt_count = 1"
        " WHERE id = %s",
        [message_id],
    )
    code = LinkSigner([KEY]).reply_code(message_id, destination_id)

    answer = called.reply(f"ack {code}")

    assert "Acknowledged: 3 alerts, Disk first." in answer.body.decode()
    assert {called.status_of(each) for each in carried} == {"ACKNOWLEDGED"}


def _clashing(called: Called, destination_id: UUID, code: str) -> UUID:
    """Another alert that goes by the same code at that destination."""
    signer = LinkSigner([KEY])
    alert_id = next(
        each
        for each in (uuid7() for _ in range(200_000))
        if signer.reply_code(each, destination_id) == code
    )
    delivery_id = called.outbox.plan(destination_id, alert_id)
    called.outbox.db.execute(
        "UPDATE alert_deliveries SET status = 'sent', sent_at = now(), attempt_count = 1"
        " WHERE id = %s",
        [delivery_id],
    )
    return delivery_id


async def test_a_code_that_fits_two_alerts_touches_neither(called: Called) -> None:
    sent = await called.send()
    other = _clashing(called, sent.destination_id, sent.code)

    assert twilio_sms.AMBIGUOUS in called.reply(f"ack {sent.code}").body.decode()
    assert called.status_of(sent.delivery_id) == called.status_of(other) == "OPEN"

    # What is over is not in the way.
    called.outbox.db.execute(
        "UPDATE alerts SET status = 'RESOLVED' WHERE id ="
        " (SELECT alert_id FROM alert_deliveries WHERE id = %s)",
        [other],
    )
    assert "Acknowledged: Disk." in called.reply(f"ack {sent.code}").body.decode()
    assert called.status_of(sent.delivery_id) == "ACKNOWLEDGED"


async def test_a_code_is_good_for_its_own_phone_only(called: Called) -> None:
    sent = await called.send()

    answer = called.reply(f"ack {sent.code}", From="+15550100002")

    assert answer.status == 403
    called.twilio("sms", "another", to="+15550100002")
    answer = called.reply(f"ack {sent.code}", From="+15550100002")
    assert twilio_sms.UNKNOWN in answer.body.decode()
    assert called.status_of(sent.delivery_id) == "OPEN"


@pytest.mark.parametrize(
    "changes",
    [
        {"signature": ""},
        {"signature": "AAAAAAAAAAAAAAAAAAAAAAAAAAA="},
        {"token": "the-token-of-another"},
        {"url": "https://elsewhere.example.com"},
    ],
    ids=["none", "wrong", "another-token", "another-address"],
)
async def test_nothing_is_done_without_twilios_signature(
    called: Called, changes: dict[str, str]
) -> None:
    sent = await called.send()
    fields = {"From": PHONE, "To": HUB, "Body": f"ack {sent.code}"}

    answer = called.post("/callbacks/twilio/sms", fields, **changes)

    assert answer.status == 403
    assert called.status_of(sent.delivery_id) == "OPEN"
    stopped = called.post("/callbacks/twilio/sms", {**fields, "Body": "STOP"}, **changes)
    assert stopped.status == 403
    assert called.is_enabled(sent.destination_id)


async def test_an_account_signs_for_its_own_destinations_only(called: Called) -> None:
    """Somebody else's account at Twilio, in another workspace, with the very same phone."""
    sent = await called.send()
    theirs = "AC" + "b2" * 16
    called.twilio("sms", "theirs", account_sid=theirs, auth_token="their-token")

    answer = called.post(
        "/callbacks/twilio/sms",
        {"AccountSid": theirs, "From": PHONE, "To": HUB, "Body": f"ack {sent.code}"},
        token="their-token",
    )

    assert answer.status == 200
    assert twilio_sms.UNKNOWN in answer.body.decode()
    assert called.status_of(sent.delivery_id) == "OPEN"


@pytest.mark.parametrize("word", ["STOP", "stop.", "Unsubscribe", " quit "])
async def test_stop_disables_the_destination_on_record(called: Called, word: str) -> None:
    sent = await called.send()

    answer = called.reply(word)

    assert answer.body.decode().endswith("<Response/>")  # Twilio itself answers
    assert not called.is_enabled(sent.destination_id)
    [(object_id, actor, after)] = called.audit("disabled")
    assert object_id == sent.destination_id
    assert actor["kind"] == "recipient"
    assert after == {"is_enabled": False, "because": "It answered STOP by text message."}
    called.reply(word)
    assert len(called.audit("disabled")) == 1


async def test_stop_in_another_language_is_twilios_to_know(called: Called) -> None:
    sent = await called.send()

    called.reply("arrêter", OptOutType="STOP")

    assert not called.is_enabled(sent.destination_id)


async def test_what_is_not_understood_is_answered_a_few_times_only(called: Called) -> None:
    sent = await called.send()

    answers = [called.reply("who is this?").body.decode() for _ in range(7)]

    assert [twilio_sms.HELP in answer for answer in answers] == [True] * 5 + [False] * 2
    # Nor is the code good any more, so that it cannot be found by trying.
    assert called.reply(f"ack {sent.code}").body.decode().endswith("<Response/>")
    assert called.status_of(sent.delivery_id) == "OPEN"


async def test_a_right_code_gives_back_its_tries(called: Called) -> None:
    sent = await called.send()
    for _ in range(3):
        for _ in range(4):
            called.reply("hm?")
        assert "cknowledged" in called.reply(sent.code).body.decode()


async def test_arrival_is_on_record(called: Called) -> None:
    sent = await called.send()
    place = f"/callbacks/twilio/sms/{sent.delivery_id}"
    assert sent.taken["StatusCallback"] == f"https://tocsin.example.com{place}"
    assert called.outbox.row(sent.delivery_id)["detail"]["confirmed"] is False

    assert called.post(place, {"MessageStatus": "sent"}).status == 204
    assert called.outbox.row(sent.delivery_id)["detail"]["confirmed"] is False
    assert called.post(place, {"MessageStatus": "delivered"}).status == 204

    row = called.outbox.row(sent.delivery_id)
    assert row["status"] == "sent"
    assert row["detail"]["confirmed"] is True
    assert row["detail"]["report"]["status"] == "delivered"


async def test_what_never_arrived_has_failed_and_the_fallback_is_notified(called: Called) -> None:
    fallback_id = called.outbox.destination("fallback")
    called.outbox.db.execute("UPDATE workspaces SET fallback_destination_id = %s", [fallback_id])
    sent = await called.send()
    called.outbox.db.execute(
        "UPDATE alert_deliveries SET payload = jsonb_set(payload, '{alert,severity}', %s)"
        " WHERE id = %s",
        [f'"{Severity.CRITICAL.value}"', sent.delivery_id],
    )

    fields = {"MessageStatus": "undelivered", "ErrorCode": "30003"}
    for _ in range(2):
        called.post(f"/callbacks/twilio/sms/{sent.delivery_id}", fields)

    row = called.outbox.row(sent.delivery_id)
    assert (row["status"], row["last_error_code"]) == ("failed", "undelivered")
    assert "the phone is off or out of reach" in row["last_error_message"]
    rows = called.outbox.db.execute(
        "SELECT alert_destination_id FROM alert_deliveries WHERE reason = 'fallback'"
    ).fetchall()
    assert rows == [(fallback_id,)]


async def test_a_report_is_believed_from_its_own_account_only(called: Called) -> None:
    sent = await called.send()
    place = f"/callbacks/twilio/sms/{sent.delivery_id}"
    fields = {"MessageStatus": "failed"}

    assert called.post(place, fields, token="another-token").status == 403
    assert called.post("/callbacks/twilio/sms/" + str(uuid4()), fields).status == 403
    assert called.post("/callbacks/twilio/sms/nonsense", fields).status == 403
    # Signed for another message.
    other = await called.send()
    signature = RequestValidator(TOKEN).compute_signature(
        f"{PUBLIC_URL}/callbacks/twilio/sms/{other.delivery_id}", fields
    )
    assert called.post(place, fields, signature=signature).status == 403
    assert called.outbox.row(sent.delivery_id)["status"] == "sent"


async def test_a_body_without_end_is_not_read(called: Called) -> None:
    await called.send()

    assert called.reply("x" * 70_000).status == 403


async def test_a_test_takes_the_same_road_and_asks_for_no_reply(called: Called) -> None:
    sent = await called.send(event=EventType.TEST)

    assert sent.taken["Body"].startswith("Test: Tocsin can reach phone")
    assert "Reply" not in sent.taken["Body"]
    called.post(f"/callbacks/twilio/sms/{sent.delivery_id}", {"MessageStatus": "failed"})
    assert called.outbox.row(sent.delivery_id)["status"] == "failed"
