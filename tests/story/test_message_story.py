"""What people see and do: mails, cards and pages, and whether a new destination works at all."""

from __future__ import annotations

import re
from email.message import EmailMessage
from urllib.parse import urlencode, urlsplit

from tests.story.fake_services import LOGIN
from tests.story.installation import Installation
from tests.story.operator import fresh
from tests.support.node import Answer, eventually


def said(mail: EmailMessage) -> str:
    plain = mail.get_body(("plain",))
    assert plain is not None
    text: str = plain.get_content()
    return text


def link(mail: EmailMessage, action: str) -> str:
    """The path of the page on which the mail's reader can do this."""
    found = re.search(rf"{action}[^\n]*?(https?://\S+/a/\S+)", said(mail), re.IGNORECASE)
    assert found, said(mail)
    return urlsplit(found[1]).path


def code(mail: EmailMessage) -> str:
    found = re.search(r"Code to confirm with: (\d+)", said(mail))
    assert found, said(mail)
    return found[1]


def submit(installation: Installation, path: str, typed: str) -> Answer:
    with installation.other_node.client() as browser:
        return browser.request(
            "POST",
            path,
            urlencode({"code": typed}).encode(),
            {"Content-Type": "application/x-www-form-urlencoded"},
        )


def test_an_alert_is_acknowledged_from_its_mail(installation: Installation) -> None:
    ada, bob = f"{fresh('ada')}@example.org", f"{fresh('bob')}@example.org"
    mailing = installation.operator.destination(
        "email", recipients=[ada, bob], timezone="Europe/Vienna"
    )
    path = f"/hook/{fresh('r')}"
    receiver = installation.operator.destination("webhook", url=installation.services.url + path)
    story = installation.operator.story(mailing, receiver)
    alert_id = story.post("<b>db1</b>", severity="critical")
    story.all_sent(alert_id, 2)
    (mail,), (other,) = installation.services.mails(ada), installation.services.mails(bob)
    assert "Disk full on <b>db1</b>" in mail["Subject"]
    assert mail["Auto-Submitted"] == "auto-generated"
    assert "bob" not in mail.as_string()
    assert link(mail, "acknowledge") != link(other, "acknowledge")

    page = link(mail, "acknowledge")
    with installation.operator.node.client() as scanner:
        for _ in range(3):
            looked = scanner.request("GET", page)
            assert looked.status == 200
    assert b"<b>db1</b>" not in looked.body
    right = code(mail)
    wrong = str((int(right) + 1) % 10 ** len(right)).zfill(len(right))
    assert submit(installation, page, wrong).status == 403
    assert installation.operator.get(f"/alerts/{alert_id}")["status"] == "OPEN"
    assert submit(installation, page, right).status == 200
    assert submit(installation, page, right).status == 200
    assert installation.operator.get(f"/alerts/{alert_id}")["status"] == "ACKNOWLEDGED"

    timeline = installation.operator.get(f"/alerts/{alert_id}/timeline")["items"]
    (acknowledged,) = [each for each in timeline if each["kind"] == "acknowledged"]
    assert acknowledged["actor"]["kind"] == "recipient"
    assert acknowledged["actor"]["name"] == ada
    story.all_sent(alert_id, 4)
    assert [body["event_type"] for body in installation.services.bodies(path)] == [
        "alerts.triggered",
        "alerts.acknowledged",
    ]

    story.post("<b>db1</b>", status="resolved")
    story.all_sent(alert_id, 6)
    mails = installation.services.mails(bob)
    assert len(mails) == 3
    assert len({each["Message-ID"] for each in mails}) == 3
    assert len({each["References"] for each in mails}) == 1
    assert installation.services.mailbox.encrypted
    assert all(installation.services.mailbox.encrypted)
    assert set(installation.services.mailbox.logins) == {LOGIN[0]}


def test_teams_slack_and_pagerduty_are_notified_in_their_own_words(
    installation: Installation,
) -> None:
    teams_path, slack_path = f"/teams/{fresh('t')}", f"/slack/{fresh('s')}"
    key = "R0UT1NG" + fresh("k").replace("-", "").upper().ljust(25, "X")
    teams = installation.operator.destination("teams", url=installation.services.url + teams_path)
    slack = installation.operator.destination("slack", url=installation.services.url + slack_path)
    pagerduty = installation.operator.destination("pagerduty", routing_key=key[:32])
    story = installation.operator.story(teams, slack, pagerduty)
    alert_id = story.post("db2", labels={"host": "db2"})
    story.all_sent(alert_id, 3)
    story.post("db2", status="resolved")
    story.all_sent(alert_id, 6)

    first, last = installation.services.bodies(teams_path)
    card = first["attachments"][0]["content"]
    assert (first["type"], card["type"]) == ("message", "AdaptiveCard")
    assert "Disk full on db2" in str(card)
    assert "resolved" in str(last).lower()
    opened, closed = installation.services.bodies(slack_path)
    assert "Disk full on db2" in str(opened)
    assert "resolved" in str(closed).lower()
    trigger, resolve = [
        event
        for event in installation.services.bodies("/pagerduty/enqueue")
        if event["routing_key"] == key[:32]
    ]
    assert (trigger["event_action"], resolve["event_action"]) == ("trigger", "resolve")
    assert trigger["dedup_key"] == resolve["dedup_key"]
    assert trigger["payload"]["summary"] == "Disk full on db2"
    # What Teams accepts it may still drop: that is said, not hidden.
    (to_teams,) = [
        each
        for each in story.deliveries(alert_id)
        if each["alert_destination_id"] == teams["id"] and each["event_type"] == "alerts.triggered"
    ]
    (attempt,) = installation.operator.get(f"/alert-deliveries/{to_teams['id']}")["attempts"]
    assert "yet to post it" in attempt["message"]
    shown = str(installation.operator.get("/alert-destinations?limit=200"))
    assert key[:28] not in shown


def test_a_test_message_goes_from_never_over_pending_to_sent(installation: Installation) -> None:
    path = f"/hook/{fresh('r')}"
    destination = installation.operator.destination("webhook", url=installation.services.url + path)
    here = f"/alert-destinations/{destination['id']}"
    never = destination["last_test"]
    assert never.pop("status") == "Never"
    assert set(never.values()) == {None}
    installation.services.hold(path)
    made = installation.operator.made(f"{here}/test", None)
    assert (made["event_type"], made["tenant_id"], made["alert_id"]) == ("alerts.test", None, None)
    eventually(lambda: installation.services.received(path), "the test is on its way")
    pending = installation.operator.last_test(destination)
    assert (pending["status"], pending["alert_delivery_id"]) == ("Pending", made["id"])
    installation.services.release(path)
    eventually(
        lambda: installation.operator.last_test(destination)["status"] == "Sent", "it was sent"
    )
    sent = installation.operator.get(f"/alert-deliveries/{made['id']}")
    assert installation.operator.last_test(destination)["at"] == sent["sent_at"]
    (body,) = installation.services.bodies(path)
    assert (body["id"], body["tenant"], body["rule"], body["alert"]) == (
        made["id"],
        None,
        None,
        None,
    )
    again = installation.operator.api("POST", f"{here}/test")
    assert (again.status, again.slug) == (429, "test-rate-limited")
    assert 0 < int(again.headers["retry-after"]) <= 60


def test_a_failed_test_says_what_to_do(installation: Installation) -> None:
    path = f"/teams/{fresh('t')}"
    destination = installation.operator.destination(
        "teams", url=installation.services.url + path + "?sig=S3CR3T"
    )
    installation.services.answer_first(path + "?sig=S3CR3T", 401)
    installation.operator.made(f"/alert-destinations/{destination['id']}/test", None)
    eventually(
        lambda: installation.operator.last_test(destination)["status"] == "Failed", "it is refused"
    )
    failed = installation.operator.last_test(destination)
    assert failed["error_code"] == "unauthorized"
    assert destination["name"] in failed["error_message"]
    assert "Anyone" in failed["error_message"]
    assert "S3CR3T" not in str(
        installation.operator.get(f"/alert-destinations/{destination['id']}")
    )


def test_a_config_that_cannot_work_is_refused_at_its_place(installation: Installation) -> None:
    refused = installation.operator.api(
        "POST",
        "/alert-destinations",
        {
            "name": fresh("wrong"),
            "type": "webhook",
            "config": {"url": "https://169.254.169.254/latest", "timezone": "Mars/Olympus"},
        },
    )
    assert refused.slug == "validation-failed"
    pointers = {fault["pointer"] for fault in refused.json()["errors"]}
    assert pointers == {"/config/url", "/config/timezone"}
