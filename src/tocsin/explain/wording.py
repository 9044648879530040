"""Outcomes and reasons as a person would say them. Every status and reason has its sentence here."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from tocsin.explain.escalation_words import (
    exhausted_words,
    held_words,
    page_words,
    resumed_words,
    step_words,
)
from tocsin.explain.facts import AttemptFacts, ChangeFacts, DeliveryFacts, WebhookFacts
from tocsin.explain.wait_words import WAIT_WORDS
from tocsin.model import (
    AlertDeliveryStatus,
    AlertEventKind,
    AttemptOutcome,
    EventType,
    Reason,
    doubts,
    iso,
)
from tocsin.routing.group import GroupKind
from tocsin.routing.holds import HOLDS

_ATTEMPTS: Mapping[str, str] = {
    AttemptOutcome.SENT: "accepted",
    AttemptOutcome.RETRY: "not sent, to be tried again",
    AttemptOutcome.FAILED: "refused for good",
    AttemptOutcome.UNKNOWN: "nobody knows whether it arrived; it counts as not sent",
}
_WEBHOOKS = {
    "created": "it opened the alert",
    "updated": "it was taken as a repeat of the open alert",
    "acknowledged": "it acknowledged the alert",
    "resolved": "it resolved the alert",
    "ignored": "valid, but nothing to act upon",
    "invalid": "it came from the sender, but could not be understood",
    "rejected": "it was refused, because nothing proved that it came from the sender",
    "failed": "an error in Tocsin kept it from being processed; the sender was asked to send it again",
}


def webhook_words(webhook: WebhookFacts) -> str:
    if webhook.outcome == "duplicate":
        first = webhook.duplicate_of_id or "an earlier one"
        what = f"it repeats webhook delivery {first} and changed nothing"
    else:
        what = _WEBHOOKS.get(webhook.outcome, webhook.outcome)
    words = f"a webhook of {webhook.source} was answered {webhook.status_code}: {what}"
    if webhook.error_message:
        words += f" ({webhook.error_message})"
    if webhook.replay_of_id is not None:
        words += f"; it is a replay of {webhook.replay_of_id}"
    if webhook.spooled_until is not None:
        words += (
            "; it waited in the spool, because the database was away, and was committed at "
            f"{_shown(webhook.spooled_until)}"
        )
    if doubtful := doubts(webhook.flags):
        words += f"; doubtful, and accepted all the same: {', '.join(doubtful)}"
    return words


def change_words(change: ChangeFacts) -> str:
    detail = change.detail or {}
    by = change.actor.get("name", "somebody")
    match change.kind:
        case AlertEventKind.TRIGGERED:
            severity = detail.get("severity")
            return f"{by} triggered it" + (f" as {severity}" if severity else "")
        case AlertEventKind.REPEATED:
            count = detail.get("occurrence_count")
            words = f"{by} repeated it" + (f", {count} times by now" if count else "")
            return words + _changed_words(detail)
        case AlertEventKind.UPDATED:
            return f"{by} changed what it says" + _changed_words(detail)
        case AlertEventKind.UNACKNOWLEDGED if detail.get("reason") == "severity_raised":
            return f"{by} opened it again: it was acknowledged as something less"
        case AlertEventKind.UNACKNOWLEDGED:
            return f"{by} took its acknowledgement back: it is open again"
        case AlertEventKind.SEVERITY_CHANGED:
            before, after = detail.get("from", "unknown"), detail.get("to", "unknown")
            words = f"{by} changed its severity from {before} to {after}"
            rose = change.event_type is not None
            return f"{words}; rules that match only the new severity notify now" if rose else words
        case AlertEventKind.OUTDATED:
            return f"{by} sent a signal older than what was known already; it changed nothing"
        case AlertEventKind.SNOOZED:
            return (
                f"{by} snoozed it until {_shown(detail['until'])}"
                if "until" in detail
                else f"{by} snoozed it"
            )
        case AlertEventKind.UNSNOOZED if "because" in detail:
            return f"its snooze ended, because {detail['because']}"
        case AlertEventKind.UNSNOOZED:
            return f"{by} ended its snooze"
        case AlertEventKind.NOTED:
            return f"{by} left a note"
        case AlertEventKind.ESCALATED if "actor" in detail:
            return f"{by} wanted the next step at once, {step_words(detail)}"
        case AlertEventKind.ESCALATED:
            return f"{by} took {step_words(detail)}"
        case AlertEventKind.ESCALATION_HELD:
            return f"{by} waits: {held_words(detail)}"
        case AlertEventKind.ESCALATION_RESUMED:
            return f"{by} waits no more: {resumed_words(detail)}"
        case AlertEventKind.ESCALATION_EXHAUSTED:
            return f"{by} has nobody left to ask: {exhausted_words(detail)}"
        case AlertEventKind.ACKNOWLEDGEMENT_EXPIRED:
            return f"{by} opened it again: its acknowledgement has expired"
        case AlertEventKind.ASSIGNED if detail.get("name"):
            return f"{by} assigned it to {detail['name']}"
        case AlertEventKind.ASSIGNED:
            return f"{by} unassigned it"
        case AlertEventKind.RESPONDERS_ADDED:
            names = ", ".join(each["name"] for each in detail.get("responders", ()))
            return f"{by} asked {names} to help"
        case AlertEventKind.RESOLVED if detail.get("reason") == "no_news":
            since = _shown(detail["no_news_since"])
            return f"its source has said nothing since {since}, so it is taken to be over"
        case AlertEventKind.FLAPPING:
            return f"{by} finds it flapping{_counted(detail)}: single changes are not sent"
        case AlertEventKind.SETTLED:
            return f"{by} finds it settled{_counted(detail)}"
        case AlertEventKind.REOPENED if detail.get("because") == "flapping":
            return f"{by} triggered it again; while it flaps, it stays the same alert"
        case AlertEventKind.REMINDED:
            return f"{by} reminded of it: it is still open, and nobody has acknowledged it"
        case AlertEventKind.RESOLVED if detail.get("arrived") == "before the trigger":
            return "its end had arrived before it did, so it is over and nobody is notified"
        case kind:
            return f"{by} {kind.value} it"


def _counted(detail: Mapping[str, Any]) -> str:
    if "first_at" not in detail:
        return ""
    return f" ({detail['changes']} changes since {_shown(detail['first_at'])})"


def _changed_words(detail: Mapping[str, Any]) -> str:
    parts = detail.get("changed") or ()
    if not parts:
        return ""
    title = detail.get("title") or {}
    said = f" (the title was {title['from']!r})" if title.get("from") else ""
    return f", with new {', '.join(parts)}{said}"


def event_words(event_type: EventType) -> str:
    return event_type.value.removeprefix("alerts.")


def delivery_words(delivery: DeliveryFacts, now: datetime) -> str:
    """What became of a message and why, without naming the destination."""
    words = _delivery_words(delivery, now)
    fallback_for = (delivery.detail or {}).get("fallback_for")
    if delivery.reason is Reason.FALLBACK and fallback_for:
        return f"{words}; it stands in for {fallback_for.get('name', 'another destination')}"
    return words


def _delivery_words(delivery: DeliveryFacts, now: datetime) -> str:
    if delivery.carried_by is not None:
        return _carried_words(delivery)
    match delivery.status:
        case AlertDeliveryStatus.SENT:
            at = "" if delivery.sent_at is None else f" at {_shown(delivery.sent_at)}"
            words = f"sent{at}, at attempt {max(delivery.attempt_count, 1)}{_was_held(delivery)}"
            if (delivery.detail or {}).get("confirmed") is False:
                words += "; the service accepted it, which is no proof that it was shown"
            return words + _reported(delivery)
        case AlertDeliveryStatus.FAILED:
            return f"given up after {_attempts(delivery)}{_last_error(delivery)}" + _reported(
                delivery
            )
        case AlertDeliveryStatus.QUEUED:
            return _queued_words(delivery, now)
        case AlertDeliveryStatus.DEFERRED:
            ends = "unless it is over or acknowledged before, or another hold applies then"
            if delivery.send_after is None and delivery.reason is Reason.INHIBITED:
                return f"held back: {_why(delivery)}; will be sent when that has ended, {ends}"
            if delivery.reason is Reason.BUNDLED:
                return f"waits: {_why(delivery)}{_at(delivery)} unless it is over or acknowledged before"
            if delivery.send_after is None:
                return f"held back: {_why(delivery)}"
            if delivery.reason is Reason.ESCALATION:
                when = f"will be sent at {_shown(delivery.send_after)}"
                return f"waits: {_why(delivery)}; {when} unless it is over or acknowledged before"
            when = f"will be sent at {_shown(delivery.send_after)}"
            return f"held back: {_why(delivery)}; {when} {ends}"
        case AlertDeliveryStatus.CANCELED:
            return f"canceled: {_why(delivery)}"
        case AlertDeliveryStatus.SUPPRESSED:
            return f"not sent: {_why(delivery)}"


def _at(delivery: DeliveryFacts) -> str:
    return "" if delivery.send_after is None else f" at {_shown(delivery.send_after)}"


def _reported(delivery: DeliveryFacts) -> str:
    """What the service said of it later."""
    report = (delivery.detail or {}).get("report")
    if not report:
        return ""
    return f"; the service reported “{report['status']}” at {_shown(report['at'])}"


def _carried_words(delivery: DeliveryFacts) -> str:
    """Of one that a message about several alerts says."""
    what = f"with others, in message {delivery.carried_by}"
    match delivery.status:
        case AlertDeliveryStatus.SENT:
            at = "" if delivery.sent_at is None else f" at {_shown(delivery.sent_at)}"
            return f"sent{at}, {what}{_was_held(delivery)}"
        case AlertDeliveryStatus.FAILED:
            return f"given up {what}{_last_error(delivery)}"
        case AlertDeliveryStatus.CANCELED:
            return f"canceled: {_why(delivery)}"
        case _:
            return f"on its way {what}"


def _was_held(delivery: DeliveryFacts) -> str:
    held = (delivery.detail or {}).get("held")
    if not held:
        return ""
    since, until = _shown(held["since"]), _shown(held["until"])
    return f"; held back from {since} to {until} by {held['after']}"


def _shown(at: datetime | str) -> str:
    moment = datetime.fromisoformat(at) if isinstance(at, str) else at
    return iso(moment.replace(microsecond=0))


def _queued_words(delivery: DeliveryFacts, now: datetime) -> str:
    waits = delivery.send_after is not None and delivery.send_after > now
    when = f"due at {_shown(delivery.send_after)}" if waits and delivery.send_after else "due now"
    if delivery.wait_reason is not None and delivery.waits_until is not None:
        when += f", but {WAIT_WORDS[delivery.wait_reason]} {_shown(delivery.waits_until)}"
    if not delivery.attempt_count:
        return f"{when}, and not attempted yet{_was_held(delivery)}"
    return f"{when} for another attempt, after {_attempts(delivery)}{_last_error(delivery)}"


def _why(delivery: DeliveryFacts) -> str:
    detail: dict[str, Any] = dict(delivery.detail or {})
    match delivery.reason:
        case reason if reason in HOLDS:
            return _held_words(reason, detail)
        case Reason.TRIGGER_NOT_SENT:
            return "it was never notified of the trigger, so it is not notified of this"
        case Reason.RESOLVED_BEFORE_SENT:
            return "the alert was over before anything had been sent"
        case Reason.ACKNOWLEDGED_BEFORE_SENT:
            return "somebody had acknowledged the alert before it was sent"
        case Reason.SUPERSEDED:
            return "a later message says how the alert is now"
        case Reason.REOPENED_BEFORE_SENT:
            return "the alert was live again before its end had been sent"
        case Reason.NOT_WANTED:
            return "no rule asks for it any more"
        case Reason.DESTINATION_DISABLED:
            return "the destination was disabled or deleted"
        case Reason.CANCELED_BY_USER:
            return "a person canceled it"
        case Reason.RATE_LIMITED:
            return "its destination's rate limit is reached; it is sent in a digest with others"
        case Reason.BUNDLED:
            return (
                f"{page_words(detail)}; its reader has had many pages in a short time, so it "
                "goes with others"
            )
        case Reason.GROUPED:
            return _gathered_words(detail)
        case Reason.ESCALATION if "held_by" in detail:
            return f"{page_words(detail)}; its escalation is on hold: {detail['held_by']}"
        case Reason.ESCALATION:
            return page_words(detail)
        case Reason.PAGED_BEFORE:
            return "its reader had been paged about it"
        case Reason.TOO_MANY_ENDS:
            return "too many such messages wait for its reader already"
        case Reason.USER_REMOVED:
            return "its reader has left the workspace"
        case Reason.RULE | Reason.TEST | Reason.VERIFICATION | Reason.FALLBACK:
            return delivery.last_error_message or delivery.reason.value
        case reason:
            return reason.value


def _gathered_words(detail: Mapping[str, Any]) -> str:
    group = detail.get("group") or {}
    labels = group.get("labels") or {}
    if group.get("kind") == GroupKind.MAINTENANCE and labels.get("name"):
        others = f" that maintenance “{labels['name']}” held"
    elif labels:
        others = f" of {', '.join(f'{name}={value}' for name, value in labels.items())}"
    else:
        others = ""
    name = _deciding(detail).get("name")
    return f"it waits for others{others}" + (f", by rule “{name}”" if name else "")


def _held_words(reason: Reason, detail: Mapping[str, Any]) -> str:
    """All that holds it, the first the one that gives the reason."""
    # Earlier versions kept of one hold what it went by, and named no others.
    holds = detail.get("holds") or [{"reason": reason.value, "rule": _deciding(detail), **detail}]
    return "; and ".join(dict.fromkeys(_hold_words(hold) for hold in holds))


def _hold_words(evidence: Mapping[str, Any]) -> str:
    hold = HOLDS.get(Reason(evidence["reason"]))
    if "follows" in evidence:
        return "it waits with the trigger, which is held back"
    return evidence["reason"] if hold is None else hold.words(evidence)


def _deciding(detail: Mapping[str, Any]) -> Mapping[str, Any]:
    """The rule whose hold it was."""
    rules = {rule.get("id"): rule for rule in detail.get("rules", ())}
    return rules.get(detail.get("decided_by")) or {}


def attempt_words(attempt: AttemptFacts) -> str:
    said = [] if attempt.http_status is None else [f"HTTP {attempt.http_status}"]
    said += [each.rstrip(".") for each in (attempt.error_code, attempt.message) if each]
    what = _ATTEMPTS.get(attempt.outcome, attempt.outcome)
    because = f" ({'; '.join(said)})" if said else ""
    return f"attempt {attempt.number} took {attempt.duration_ms} ms: {what}{because}"


def _attempts(delivery: DeliveryFacts) -> str:
    count = delivery.attempt_count
    return "one attempt" if count == 1 else f"{count} attempts" if count else "no attempt at all"


def _last_error(delivery: DeliveryFacts) -> str:
    error = delivery.last_error_message or delivery.last_error_code
    return f"; last error: {error}" if error else ""
