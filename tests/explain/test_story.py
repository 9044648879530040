from __future__ import annotations

import json
from datetime import timedelta
from itertools import product
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.routing.builders import (
    ALERT,
    GONE,
    NOW,
    PAGER,
    SLACK,
    planned,
    quiet_hours,
    rule,
    rule_id,
    silence,
    subject,
    table,
)
from tocsin.explain.facts import (
    AttemptFacts,
    ChangeFacts,
    CurrentAlert,
    DeliveryFacts,
    WebhookFacts,
)
from tocsin.explain.story import RecordedFacts, explain
from tocsin.explain.wording import attempt_words, change_words, delivery_words, webhook_words
from tocsin.model import (
    AlertDeliveryStatus,
    AlertEventKind,
    AlertStatus,
    EventType,
    Reason,
    Severity,
    iso,
)
from tocsin.routing.plan import NO_HISTORY, History, NotifiedTrigger, PlannedDelivery
from tocsin.routing.rules import Matcher, RoutingTable
from tocsin.routing.subject import Inhibitor

MINUTE = timedelta(minutes=1)
SOURCE = {"kind": "source", "name": "datadog-production"}
ANA = {"kind": "user", "name": "ana"}
FIRST, SECOND, THIRD = (UUID(int=0xE000 + each) for each in range(3))


def webhook(id: UUID = FIRST, outcome: str = "created", **changes: Any) -> WebhookFacts:
    values: dict[str, Any] = {"source": "datadog-production", "created_at": NOW, "status_code": 201}
    return WebhookFacts(id=id, outcome=outcome, **(values | changes))


def change(
    kind: AlertEventKind = AlertEventKind.TRIGGERED,
    minutes: int = 0,
    by: UUID | None = FIRST,
    **detail: Any,
) -> ChangeFacts:
    return ChangeFacts(
        id=UUID(int=0xC000 + minutes),
        kind=kind,
        at=NOW + minutes * MINUTE,
        actor=ANA if by is None else SOURCE,
        webhook_delivery_id=by,
        detail=detail,
    )


def delivery(
    plan: PlannedDelivery | None = None, minutes: int = 0, **changes: Any
) -> DeliveryFacts:
    values: dict[str, Any] = {
        "id": UUID(int=0xF000 + minutes),
        "destination_id": SLACK,
        "destination_name": "Slack #db",
        "event_type": EventType.TRIGGERED,
        "status": AlertDeliveryStatus.SENT,
        "reason": Reason.RULE,
        "rule_id": rule_id(1),
        "rule_name": "Rule 1",
        "created_at": NOW + minutes * MINUTE,
    }
    if plan is not None:
        values |= {
            "destination_id": plan.destination_id,
            "status": plan.status,
            "reason": plan.reason,
            "send_after": plan.send_after,
            "rule_id": plan.rule_id,
            "detail": plan.detail,
        }
    return DeliveryFacts(**(values | changes))


def story_of(
    routing: RoutingTable,
    webhooks: list[WebhookFacts],
    changes: list[ChangeFacts],
    deliveries: list[DeliveryFacts],
    severity: Severity = Severity.HIGH,
    rules_changed_at: dict[UUID, Any] | None = None,
) -> dict[str, Any]:
    alert = CurrentAlert(ALERT, subject(severity=severity), AlertStatus.OPEN, NOW, NOW)
    record = RecordedFacts(alert, webhooks, changes, deliveries, rules_changed_at or {})
    document = explain(record, routing, NOW + 10 * MINUTE)
    json.dumps(document)
    return document


def test_the_story_reads_downward_from_webhook_to_attempt() -> None:
    routing = table(
        rule(1, quiet_hours=quiet_hours("22:00", "07:00")),
        rule(2, PAGER, matchers=(Matcher("team", "=", "web"),)),
    )
    attempts = (
        AttemptFacts(2, NOW + MINUTE, 80, "sent", 200),
        AttemptFacts(1, NOW, 5000, "retry", 503, "unavailable", "try later"),
    )
    sent = delivery(
        planned(routing)[SLACK],
        status=AlertDeliveryStatus.SENT,
        sent_at=NOW + MINUTE,
        attempt_count=2,
        attempts=attempts,
    )
    story = story_of(routing, [webhook()], [change(severity="HIGH")], [sent])
    assert story["alert"]["id"] == str(ALERT)
    (step,) = story["steps"]
    assert step["words"] == "a webhook of datadog-production was answered 201: it opened the alert"
    (triggered,) = step["changes"]
    assert triggered["words"] == "datadog-production triggered it as HIGH"
    matched, missed = triggered["rules"]
    assert (matched["rule_name"], matched["matched"]) == ("rule 1", True)
    assert missed["matcher"] == {"label": "team", "op": "=", "value": "web"}
    (notified,) = triggered["deliveries"]
    assert notified["words"] == "Slack #db: sent at 2026-05-13T12:01:00Z, at attempt 2"
    assert [each["words"] for each in notified["attempts"]] == [
        "attempt 1 took 5000 ms: not sent, to be tried again (HTTP 503; unavailable; try later)",
        "attempt 2 took 80 ms: accepted (HTTP 200)",
    ]
    (answer,) = story["answers"]
    assert answer["was_notified"]
    assert answer["words"] == ("Slack #db: triggered sent at 2026-05-13T12:01:00Z, at attempt 2")


@pytest.mark.parametrize(
    ("routing", "history", "event_type", "words"),
    [
        (
            table(rule(), silences=(silence(starts_at=NOW, ends_at=NOW + MINUTE),)),
            NO_HISTORY,
            EventType.TRIGGERED,
            "held back: a silence of ana holds it until 2026-05-13T12:01:00Z, "
            'matching team="db" (“moving the disks”); will be sent at 2026-05-13T12:01:00Z unless it '
            "is over or acknowledged before, or another hold applies then",
        ),
        (
            table(rule(cooldown_seconds=600)),
            History({(rule_id(1), SLACK): NOW - MINUTE}),
            EventType.TRIGGERED,
            "held back: it was notified of the same alert key shortly before, and rule “rule 1” rests "
            "until 2026-05-13T12:09:00Z; will be sent at 2026-05-13T12:09:00Z unless it is over or "
            "acknowledged before, or another hold applies then",
        ),
        (
            table(rule(quiet_hours=quiet_hours("11:00", "14:00", "Etc/UTC"))),
            NO_HISTORY,
            EventType.TRIGGERED,
            "held back: the quiet hours of rule “rule 1” (11:00 to 14:00 Etc/UTC); will be sent at "
            "2026-05-13T14:00:00Z unless it is over or acknowledged before, or another hold applies "
            "then",
        ),
        (
            table(rule()),
            History(
                notified_trigger={
                    SLACK: NotifiedTrigger(
                        AlertDeliveryStatus.DEFERRED, Reason.QUIET_HOURS, NOW + MINUTE
                    )
                }
            ),
            EventType.ACKNOWLEDGED,
            "held back: it waits with the trigger, which is held back; will be sent at "
            "2026-05-13T12:01:00Z unless it is over or acknowledged before, or another hold applies "
            "then",
        ),
        (
            table(rule()),
            History(
                notified_trigger={
                    SLACK: NotifiedTrigger(AlertDeliveryStatus.SUPPRESSED, Reason.COOLDOWN)
                }
            ),
            EventType.RESOLVED,
            "not sent: it was never notified of the trigger, so it is not notified of this",
        ),
        (
            table(rule(), disabled=frozenset({SLACK})),
            NO_HISTORY,
            EventType.TRIGGERED,
            "not sent: the destination was disabled or deleted",
        ),
        (table(rule()), NO_HISTORY, EventType.TRIGGERED, "due now, and not attempted yet"),
    ],
)
def test_what_the_plan_wrote_down_is_read_out(
    routing: RoutingTable, history: History, event_type: EventType, words: str
) -> None:
    made = planned(routing, event_type, history)[SLACK]
    assert delivery_words(delivery(made, event_type=event_type), NOW) == words


def test_what_another_alert_holds_says_when_it_is_sent() -> None:
    source = Inhibitor(rule_id(7), "host", ALERT, "Host down", NOW, None)
    over = silence(starts_at=NOW - 2 * MINUTE, ends_at=NOW - MINUTE)
    held = planned(table(rule(), silences=(over,)), about=subject(inhibitors=(source,)))[SLACK]
    assert delivery_words(delivery(held, event_type=EventType.TRIGGERED), NOW) == (
        f"held back: alert “Host down” ({ALERT}) holds it, by inhibition rule “host”, while it is "
        "live; will be sent when that has ended, unless it is over or acknowledged before, or another "
        "hold applies then"
    )


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (
            {"status": AlertDeliveryStatus.FAILED, "attempt_count": 1, "last_error_code": "gone"},
            "given up after one attempt; last error: gone",
        ),
        (
            {
                "status": AlertDeliveryStatus.QUEUED,
                "attempt_count": 3,
                "send_after": NOW + MINUTE,
                "last_error_message": "HTTP 503",
            },
            "due at 2026-05-13T12:01:00Z for another attempt, after 3 attempts; "
            "last error: HTTP 503",
        ),
        (
            {"status": AlertDeliveryStatus.CANCELED, "reason": Reason.RESOLVED_BEFORE_SENT},
            "canceled: the alert was over before anything had been sent",
        ),
        (
            {
                "attempt_count": 1,
                "detail": {
                    "confirmed": True,
                    "report": {"status": "delivered", "at": "2026-03-01T12:00:05Z"},
                },
            },
            "sent, at attempt 1; the service reported “delivered” at 2026-03-01T12:00:05Z",
        ),
        (
            {"attempt_count": 1, "detail": {"confirmed": False}},
            "sent, at attempt 1; the service accepted it, which is no proof that it was shown",
        ),
        (
            {"reason": Reason.FALLBACK, "detail": {"fallback_for": {"name": "Pager"}}},
            "sent, at attempt 1; it stands in for Pager",
        ),
    ],
)
def test_what_became_of_a_message(changes: dict[str, Any], words: str) -> None:
    assert delivery_words(delivery(**changes), NOW) == words


@pytest.mark.parametrize(
    ("outcome", "changes", "words"),
    [
        ("duplicate", {"duplicate_of_id": SECOND}, f"repeats webhook delivery {SECOND}"),
        ("invalid", {"error_message": "title is missing"}, "(title is missing)"),
        ("created", {"flags": ("unknown_tenant",)}, "accepted all the same: unknown_tenant"),
        ("updated", {"replay_of_id": SECOND}, f"a replay of {SECOND}"),
        (
            "created",
            {"status_code": 202, "flags": ("spooled",), "spooled_until": NOW},
            "was answered 202: it opened the alert; it waited in the spool, because the database was"
            f" away, and was committed at {iso(NOW)}",
        ),
    ],
)
def test_what_became_of_a_webhook(outcome: str, changes: dict[str, Any], words: str) -> None:
    assert words in webhook_words(webhook(outcome=outcome, **changes))


def test_a_rule_is_judged_by_the_severity_the_alert_had_then() -> None:
    routing = table(rule(1), rule(2, PAGER, min_severity=Severity.CRITICAL))
    story = story_of(
        routing,
        [webhook(), webhook(SECOND, "updated", created_at=NOW + MINUTE)],
        [
            change(severity="LOW"),
            change(AlertEventKind.REPEATED, 1, SECOND, occurrence_count=2),
            change(AlertEventKind.SEVERITY_CHANGED, 2, SECOND, **{"from": "LOW", "to": "CRITICAL"}),
        ],
        [delivery(), delivery(minutes=2, destination_id=PAGER, destination_name="Pager")],
        severity=Severity.CRITICAL,
    )
    first, second = story["steps"]
    (triggered,) = first["changes"]
    repeated, rose = second["changes"]
    assert [each["code"] for each in triggered["rules"]] == ["matched", "severity"]
    assert (repeated["rules"], repeated["deliveries"]) == ([], [])
    assert [each["code"] for each in rose["rules"]] == ["matched", "matched"]
    assert [each["destination_name"] for each in triggered["deliveries"]] == ["Slack #db"]
    assert [each["destination_name"] for each in rose["deliveries"]] == ["Pager"]
    assert rose["words"].endswith(
        "from LOW to CRITICAL; rules that match only the new severity notify now"
    )


def test_a_falling_severity_notifies_nobody() -> None:
    fell = change(AlertEventKind.SEVERITY_CHANGED, **{"from": "HIGH", "to": "LOW"})
    assert fell.event_type is None
    assert change_words(fell) == "datadog-production changed its severity from HIGH to LOW"


def test_each_message_stands_under_the_change_it_is_about() -> None:
    kinds = [
        AlertEventKind.TRIGGERED,
        AlertEventKind.ACKNOWLEDGED,
        AlertEventKind.RESOLVED,
        AlertEventKind.REOPENED,
        AlertEventKind.CLOSED,
    ]
    events = [EventType.TRIGGERED, EventType.ACKNOWLEDGED, EventType.RESOLVED]
    events += [EventType.TRIGGERED, EventType.CLOSED]
    story = story_of(
        table(rule()),
        [webhook()],
        [change(kind, n, FIRST if n == 0 else None) for n, kind in enumerate(kinds)][::-1],
        [delivery(minutes=n, event_type=each) for n, each in enumerate(events)][::-1],
    )
    assert [step["cause"] for step in story["steps"]] == ["webhook_delivery"] + ["action"] * 4
    for number, step in enumerate(story["steps"]):
        (only,) = step["changes"]
        assert [each["id"] for each in only["deliveries"]] == [str(UUID(int=0xF000 + number))]
    assert story["steps"][1]["words"] == "ana acknowledged it"


def test_a_rule_that_stays_from_the_trigger_does_not_contradict_its_message() -> None:
    routing = table(rule(1, min_severity=Severity.HIGH))
    trigger = NotifiedTrigger(
        AlertDeliveryStatus.SENT, Reason.RULE, rule_ids=frozenset({rule_id(1)})
    )
    fallen = subject(severity=Severity.LOW)
    made = planned(
        routing, EventType.RESOLVED, History(notified_trigger={SLACK: trigger}), about=fallen
    )
    story = story_of(
        routing,
        [webhook()],
        [
            change(severity="HIGH"),
            change(AlertEventKind.SEVERITY_CHANGED, 1, **{"from": "HIGH", "to": "LOW"}),
            change(AlertEventKind.RESOLVED, 2),
        ],
        [delivery(), delivery(made[SLACK], 2, event_type=EventType.RESOLVED)],
        severity=Severity.LOW,
    )
    (judged,) = story["steps"][0]["changes"][2]["rules"]
    assert (judged["matched"], judged["kept_from_trigger"]) == (False, True)
    assert judged["words"].endswith("stays with the alert to its end")


def test_a_rule_changed_since_is_marked() -> None:
    later = {rule_id(1): NOW + MINUTE, rule_id(2): NOW - MINUTE}
    routing = table(rule(1), rule(2))
    story = story_of(routing, [webhook()], [change()], [], rules_changed_at=later)
    first, second = story["steps"][0]["changes"][0]["rules"]
    assert (first["changed_since"], second["changed_since"]) == (True, False)
    assert "changed since" in first["words"]


@pytest.mark.parametrize(
    ("routing", "words"),
    [
        (table(), "there are no rules"),
        (table(rule(min_severity=Severity.CRITICAL)), "no rule matched"),
        (table(rule(1, GONE)), "“rule 1” matched, but no destination of theirs exists"),
        (table(rule(1)), "by the rules as they are now “rule 1” would have matched"),
    ],
)
def test_when_nobody_was_notified(routing: RoutingTable, words: str) -> None:
    (answer,) = story_of(routing, [webhook()], [change()], [])["answers"]
    assert not answer["was_notified"]
    assert answer["words"].startswith("nobody was notified")
    assert words in answer["words"]


def test_an_alert_that_was_over_before_it_arrived() -> None:
    story = story_of(
        table(rule()),
        [webhook()],
        [change(), change(AlertEventKind.RESOLVED, 1, arrived="before the trigger")],
        [],
    )
    assert all(each["rules"] == [] for each in story["steps"][0]["changes"])
    assert (
        story["answers"][0]["words"] == "nobody was notified: the alert was over before it arrived"
    )


def test_what_is_no_longer_on_record_leaves_no_hole() -> None:
    story = story_of(table(rule()), [], [change()], [delivery(destination_name=None)])
    (step,) = story["steps"]
    assert "no longer on record" in step["words"]
    assert "a destination since deleted" in story["answers"][0]["words"]


@pytest.mark.parametrize(("status", "reason"), list(product(AlertDeliveryStatus, Reason)))
def test_every_status_and_reason_has_its_words(status: AlertDeliveryStatus, reason: Reason) -> None:
    assert len(delivery_words(delivery(status=status, reason=reason), NOW)) > 10


@given(
    kind=st.sampled_from(AlertEventKind),
    outcome=st.sampled_from(["sent", "retry", "failed", "unknown"]),
    status=st.none() | st.integers(100, 599),
)
def test_every_change_and_attempt_has_its_words(
    kind: AlertEventKind, outcome: str, status: int | None
) -> None:
    assert change_words(change(kind)).startswith("datadog-production ")
    words = attempt_words(AttemptFacts(1, NOW, 10, outcome, status))
    assert words.startswith("attempt 1 took 10 ms: ")
    assert (status is not None) == ("HTTP" in words)


def test_a_page_that_goes_with_others_says_when_and_in_which_message() -> None:
    page = {
        "reason": Reason.BUNDLED,
        "detail": {"escalation": {"policy": {"name": "Nights"}, "step": 0, "user": "Ana"}},
    }
    waits = delivery(status=AlertDeliveryStatus.DEFERRED, send_after=NOW + MINUTE, **page)
    assert delivery_words(waits, NOW) == (
        "waits: step 1 of the escalation policy “Nights”, to Ana; its reader has had many pages "
        f"in a short time, so it goes with others at {iso(NOW + MINUTE)} unless it is over or "
        "acknowledged before"
    )
    carrier = UUID(int=7)
    sent = delivery(sent_at=NOW, carried_by=carrier, **page)
    assert delivery_words(sent, NOW) == f"sent at {iso(NOW)}, with others, in message {carrier}"
