"""Keys and ends of calls, each signed by Twilio's own library."""

from __future__ import annotations

import pytest

from tests.callbacks.conftest import PUBLIC_URL, Called, Sent
from tests.timers.escalations import paging, to_user
from tocsin.callbacks import twilio_voice
from tocsin.model import EventType


def place(sent: Sent) -> str:
    return f"/callbacks/twilio/voice/{sent.delivery_id}"


@pytest.mark.parametrize(
    ("key", "said", "status"),
    [
        ("4", "Acknowledged: Disk. Goodbye.", "ACKNOWLEDGED"),
        ("8", "Resolved: Disk. Goodbye.", "RESOLVED"),
        ("6", "No escalation goes on for it. Goodbye.", "OPEN"),
        ("1", twilio_voice.NO_SUCH_KEY, "OPEN"),
    ],
)
async def test_a_key_acts_and_says_so(called: Called, key: str, said: str, status: str) -> None:
    sent = await called.send("voice")
    assert f'action="{PUBLIC_URL}{place(sent)}"' in sent.taken["Twiml"]

    answer = called.post(place(sent), {"Digits": key, "CallSid": "CA1"})

    assert answer.status == 200
    assert said in answer.body.decode()
    assert called.status_of(sent.delivery_id) == status
    row = called.outbox.row(sent.delivery_id)
    assert row["detail"]["confirmed"] is True
    assert row["detail"]["report"]["status"] == f"key {key}"


def test_six_calls_the_next_step_of_the_page(called: Called) -> None:
    with paging(called.outbox.url) as people:
        u, m = people.person("U", voice=0), people.person("M", push=0)
        people.escalating_rule(people.policy(to_user(u), to_user(m, minutes=10)))
        alert_id = people.send("disk", severity="CRITICAL")
        # What pages U is a phone that Twilio has called.
        template = called.twilio("voice", "template")
        called.outbox.db.execute(
            "UPDATE alert_destinations AS page SET type = 'voice', config = phone.config,"
            " secret_config = phone.secret_config FROM alert_destinations AS phone"
            " WHERE phone.id = %s AND page.user_id = %s",
            [template, u],
        )
        [(page_id,)] = called.outbox.db.execute(
            "UPDATE alert_deliveries SET status = 'sent', sent_at = now(), attempt_count = 1"
            " WHERE alert_id = %s RETURNING id",
            [alert_id],
        ).fetchall()
        place = f"/callbacks/twilio/voice/{page_id}"

        said = called.post(place, {"Digits": "6"}).body.decode()
        again = called.post(place, {"Digits": "6"}).body.decode()

        assert "Escalated: the next step is called." in said
        assert people.pages(alert_id)[-1][0] == "push of M"
        # The call was about step 1: pressed late, the key skips nobody.
        assert "It has gone on already, to step 2." in again
        assert len(people.pages(alert_id)) == 2
        events = called.events(page_id)
        by = [actor.get("id") for kind, actor in events if kind == "escalated"]
        assert str(u) in by


async def test_only_a_key_counts_as_reached(called: Called) -> None:
    """A mailbox picks up, listens to the end, and Twilio calls it completed."""
    sent = await called.send("voice")

    called.post(f"{place(sent)}/ended", {"CallStatus": "completed", "AnsweredBy": "unknown"})

    row = called.outbox.row(sent.delivery_id)
    assert (row["status"], row["last_error_code"]) == ("failed", "not-answered")
    assert "no key was pressed" in row["last_error_message"]


async def test_who_pressed_a_key_was_reached_however_the_call_ends(called: Called) -> None:
    sent = await called.send("voice")

    called.post(place(sent), {"Digits": "4"})
    called.post(f"{place(sent)}/ended", {"CallStatus": "completed"})

    assert called.outbox.row(sent.delivery_id)["status"] == "sent"


@pytest.mark.parametrize("status", ["busy", "no-answer", "failed"])
async def test_a_call_that_nobody_takes_has_failed(called: Called, status: str) -> None:
    fallback_id = called.outbox.destination("fallback")
    called.outbox.db.execute("UPDATE workspaces SET fallback_destination_id = %s", [fallback_id])
    sent, page = await called.send("voice"), await called.send("voice", to="+15550100002")
    called.outbox.db.execute(
        "UPDATE alert_deliveries SET payload = jsonb_set(payload, '{alert,severity}', '\"CRITICAL\"')"
    )
    called.outbox.db.execute(
        "UPDATE alert_deliveries SET reason = 'escalation' WHERE id = %s", [page.delivery_id]
    )

    for each in (sent, page):
        called.post(f"{place(each)}/ended", {"CallStatus": status})

    assert called.outbox.row(sent.delivery_id)["status"] == "failed"
    assert called.outbox.row(page.delivery_id)["status"] == "failed"
    # A page that nobody takes is the escalation's matter.
    rows = called.outbox.db.execute(
        "SELECT alert_id FROM alert_deliveries WHERE reason = 'fallback'"
    ).fetchall()
    assert rows == [(called.outbox.row(sent.delivery_id)["alert_id"],)]


async def test_a_key_is_believed_with_twilios_signature_only(called: Called) -> None:
    sent = await called.send("voice")

    answers = [
        called.post(place(sent), {"Digits": "4"}, token="another-token"),
        called.post(place(sent), {"Digits": "4"}, signature=""),
        called.post(f"{place(sent)}/ended", {"CallStatus": "busy"}, signature="x"),
        called.post(f"/callbacks/twilio/sms/{sent.delivery_id}", {"MessageStatus": "failed"}),
    ]

    assert [answer.status for answer in answers] == [403] * 4
    assert called.status_of(sent.delivery_id) == "OPEN"
    assert called.outbox.row(sent.delivery_id)["status"] == "sent"


async def test_a_test_call_is_confirmed_by_its_key(called: Called) -> None:
    sent = await called.send("voice", event=EventType.TEST)

    answer = called.post(place(sent), {"Digits": "4"})

    assert twilio_voice.CONFIRMED in answer.body.decode()
    assert called.outbox.row(sent.delivery_id)["detail"]["confirmed"] is True
