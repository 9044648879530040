from __future__ import annotations

from typing import Any

import pytest

from tests.ingest.sources.sample_files import NOW, context, load, parse, utc
from tocsin.ingest.sources.kit.decode import InvalidPayload
from tocsin.ingest.sources.kit.mail_words import read_subject
from tocsin.ingest.sources.registry import SOURCES, idempotency_key
from tocsin.model import Severity, Signal, SignalKind

EMAIL = SOURCES["email"]
MAIL = {"sender": "a@example.com", "from": "a@example.com", "subject": "Disk full", "text": "95 %"}


def _parse(mapping: dict[str, Any] | None = None, **changed: Any) -> list[Signal]:
    return EMAIL.parse({**MAIL, **changed}, context(mapping=mapping))


def _reason(**changed: Any) -> str:
    assert _parse(**changed) == []
    return EMAIL.ignored_reason({**MAIL, **changed}, context())


def test_a_problem_and_its_recovery_are_one_alert() -> None:
    (problem,) = parse("email/problem.json")
    assert (problem.kind, problem.severity) == (SignalKind.TRIGGER, Severity.CRITICAL)
    assert problem.title == "PROBLEM Service Alert: db-1/Disk is CRITICAL"
    assert problem.description == "Disk of db-1 is 95 % full"
    assert problem.triggered_at == utc(2026, 3, 1, 9, 15)
    assert problem.labels == {"from": "nagios@monitor.example.com"}
    assert problem.metadata["attachments"][0]["text"] == "/ 95 % full"
    assert problem.flags == ()
    (recovery,) = parse("email/recovery.json")
    assert (recovery.kind, recovery.external_id) == (SignalKind.RESOLVE, problem.external_id)
    (answer,) = parse("email/answer.json")
    assert (answer.kind, answer.external_id) == (SignalKind.RESOLVE, problem.external_id)
    # By the clock of a person's machine it may be from before the alert.
    assert answer.occurred_at is None


def test_the_message_id_names_the_delivery() -> None:
    assert idempotency_key(EMAIL, {}, load("email/problem.json")) == (
        "<20260301.1@monitor.example.com>"
    )
    assert EMAIL.delivery_key({**MAIL}) is None


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"sender": ""}, "bounce"),
        ({"auto_submitted": "auto-replied; owner=x"}, "Auto-Submitted"),
        ({"precedence": "auto_reply"}, "Precedence"),
        ({"precedence": "junk"}, "Precedence"),
        ({"report": "delivery-status"}, "report"),
        ({"is_own": True}, "loop"),
        (
            {"subject": "Re: Disk full", "in_reply_to": "<x@y>", "text": "I am looking into it"},
            "an answer",
        ),
    ],
)
def test_what_is_no_alert_is_ignored_with_a_reason(changed: dict[str, Any], words: str) -> None:
    assert words in _reason(**changed)


@pytest.mark.parametrize(
    "changed",
    [
        {"auto_submitted": "auto-generated"},
        {"auto_submitted": "no"},
        {"precedence": "bulk"},
        {"precedence": "list"},
        {"subject": "Re: Disk full"},
        {"in_reply_to": "<x@y>"},
        {"subject": "Fwd: Disk full", "in_reply_to": "<x@y>"},
    ],
)
def test_what_tools_send_by_themselves_is_wanted(changed: dict[str, Any]) -> None:
    (signal,) = _parse(**changed)
    assert signal.kind is SignalKind.TRIGGER


def test_a_thread_that_is_known_says_which_alert_it_is_about() -> None:
    (signal,) = _parse(thread="subject:something else", subject="RESOLVED: now called otherwise")
    assert (signal.kind, signal.external_id) == (SignalKind.RESOLVE, "subject:something else")


def test_a_contradiction_is_taken_for_a_problem() -> None:
    (signal,) = _parse(subject="OK: shop is DOWN")
    assert signal.kind is SignalKind.TRIGGER
    assert signal.flags == ("unknown_status",)


def test_a_mail_of_nothing_is_an_alert_of_its_own() -> None:
    (signal,) = EMAIL.parse({}, context())
    assert (signal.external_id, signal.title) == (None, "Mail from somebody")
    (signal,) = _parse(subject="", text="All burns\nand more")
    assert signal.title == "All burns"


def test_every_field_of_a_wrong_type_is_named() -> None:
    with pytest.raises(InvalidPayload) as caught:
        _parse(subject=1, text=[], message_id={})
    assert [fault.pointer for fault in caught.value.faults] == ["/subject", "/text", "/message_id"]


def test_a_mapping_sees_the_mail_and_what_was_read_in_it() -> None:
    mapping = {
        "title": "rest",
        "external_id": "rest",
        "kind": "head",
        "kinds": {"behoben": "resolve", "info": "ignore"},
        "labels": {"tool": "from_name"},
    }
    (problem,) = _parse(mapping, subject="STÖRUNG: Platte voll", from_name="Wächter")
    assert (problem.title, problem.external_id) == ("STÖRUNG: Platte voll", "STÖRUNG: Platte voll")
    (over,) = _parse(mapping, subject="BEHOBEN: Platte voll", from_name="Wächter")
    assert over.kind is SignalKind.RESOLVE
    assert over.labels == {"tool": "Wächter"}
    assert _parse(mapping, subject="INFO: nichts") == []
    (plain,) = _parse({"severity": "'HIGH'"}, subject="[RESOLVED] Disk full")
    assert (plain.kind, plain.external_id) == (SignalKind.RESOLVE, "subject:disk full")
    assert _parse({"title": "subject"}, subject="Re: x", in_reply_to="<x@y>", text="what?") == []


@pytest.mark.parametrize(
    ("subject", "kind", "key"),
    [
        ("Disk full", None, "disk full"),
        ("[FIRING:1] Disk full", "trigger", "disk full"),
        ("[RESOLVED] Disk  full", "resolve", "disk full"),
        ("✅ Resolved: Disk full", "resolve", "disk full"),
        ("Problem: Load too high", "trigger", "load too high"),
        ("Resolved in 1m 0s: Load too high", "resolve", "load too high"),
        ("DOWN | shop", "trigger", "shop"),
        ("UP | shop", "resolve", "shop"),
        ("Monitor is UP: shop", "resolve", "shop"),
        ("UP alert: shop.example is UP", "resolve", "shop.example"),
        ('ALARM: "cpu-high" in EU', None, '"cpu-high" in eu'),
        ('OK: "cpu-high" in EU', "resolve", '"cpu-high" in eu'),
        ("** RECOVERY Service Alert: db-1/HTTP is OK **", "resolve", "db-1/http"),
        ("[Monitor Alert] Recovered: cpu", "resolve", "cpu"),
        ("[prod] [RESOLVED] cpu", "resolve", "[prod] cpu"),
        ("Zabbix: OK: cpu", "resolve", "zabbix: cpu"),
        ("shop is back up", "resolve", "shop"),
        ("shop has recovered", "resolve", "shop"),
        ("Backup job: success", "resolve", "backup job"),
        ("Disk full - OK", "resolve", "disk full"),
        ("Re: AW: [FIRING] Disk full", "trigger", "disk full"),
        # What only looks like an end
        ("Recovery of backups fails", None, "recovery of backups fails"),
        ("Recovery failed: x", None, "recovery failed: x"),
        ("NOT OK: x", "trigger", "x"),
        ("shop is not ok", "trigger", "shop"),
        ("shop is not up", None, "shop is not up"),
        ("Is it up?", None, "is it up?"),
        ("Everything that was closed opens again", None, "everything that was closed opens again"),
        ("", None, None),
        ("***", None, None),
    ],
)
def test_what_subjects_say(subject: str, kind: str | None, key: str | None) -> None:
    read = read_subject(subject)
    assert (read.kind and read.kind.value, read.key) == (kind, key)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("Resolved", "resolve"),
        ("\n\nresolved by a restart\n> more", "resolve"),
        ("This is fixed now.", "resolve"),
        ("ack", "acknowledge"),
        ("Acknowledged, I am on it", "acknowledge"),
        ("ok", None),
        ("not resolved", None),
        ("fixed but still slow", None),
        ("Resolved?", None),
        ("> resolved", None),
        ("On Sunday, Nagios wrote:\n> resolved", None),
        ("-- \nresolved", None),
        ("", None),
    ],
)
def test_what_answers_say(text: str, kind: str | None) -> None:
    signals = _parse(subject="Re: x", in_reply_to="<x@y>", text=text)
    assert [signal.kind.value for signal in signals] == ([] if kind is None else [kind])


def test_the_date_orders_mails_of_tools() -> None:
    (signal,) = _parse(date="Sun, 1 Mar 2026 12:30:00 +0100 (CET)")
    assert signal.occurred_at == utc(2026, 3, 1, 11, 30)
    (signal,) = _parse(date="yesterday, or so")
    assert (signal.occurred_at, signal.flags) == (None, ("unreadable_time",))
    assert utc(2026, 3, 1, 12) == NOW
