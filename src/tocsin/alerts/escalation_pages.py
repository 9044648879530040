"""The pages of one step, as rows, and what the timeline says of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from tocsin.alerts.changes import AlertChange, AlertDetails
from tocsin.alerts.directory import Directory
from tocsin.alerts.escalation_rows import PageRow, encoded
from tocsin.alerts.on_call_book import OnCallBook
from tocsin.message import Content, Named, encode
from tocsin.model import (
    AlertDeliveryStatus,
    AlertStatus,
    EventType,
    Reason,
    Severity,
    TargetKind,
    uuid7_bytes,
)
from tocsin.oncall.policy import Reached, StepPage, StepTaken
from tocsin.oncall.policy_shapes import Policy
from tocsin.routing.rules import RoutingTable

_FALLBACK_NOTES = {
    "nobody_reached": "Sent here because the escalation policy “{policy}” could reach nobody.",
    "no_acknowledgement": "Sent here because nobody whom the escalation policy “{policy}” reaches has "
    "acknowledged it.",
}


@dataclass(slots=True)
class PageMaker:
    """Makes the pages of one alert. A destination in `notified` has the message already."""

    change: AlertChange
    details: AlertDetails
    directory: Directory
    now: datetime
    notified: set[UUID]

    def of_step(
        self,
        escalation_id: bytes,
        policy: Policy,
        rule_id: UUID,
        taken: StepTaken,
        book: OnCallBook,
    ) -> list[PageRow]:
        """One row for each page of a step."""
        rows: list[PageRow] = []
        about = {
            "id": str(UUID(bytes=escalation_id)),
            "policy": {"id": str(policy.id), "name": policy.name},
            "loop": taken.loop,
            "step": taken.step,
        }
        for each in taken.reached:
            note = f"Step {taken.step + 1} of the escalation policy “{policy.name}”"
            if each.cause:
                note += f": {each.cause}"
            whom = {"user": book.name(each.user_id)} if each.user_id is not None else {}
            for page in each.pages:
                if not page.delay and page.destination_id in self.notified:
                    continue
                if not page.delay:
                    self.notified.add(page.destination_id)
                detail = {"escalation": {**about, **whom}}
                rows.append(
                    self._row(escalation_id, rule_id, page, detail, f"{note}.", user=each.user_id)
                )
        return rows

    def of_person(
        self,
        rule_id: UUID | None,
        user_id: UUID,
        page: StepPage,
        detail: Mapping[str, Any],
        note: str,
    ) -> PageRow:
        """A page of somebody whom no step reaches. `rule_id` None: no rule has asked for anybody."""
        is_open = self.change.alert.status is AlertStatus.OPEN
        event_type = EventType.TRIGGERED if is_open else EventType.REMINDER
        return self._row(
            None, rule_id, page, dict(detail), note, user=user_id, event_type=event_type
        )

    def of_end(
        self,
        rule_id: UUID | None,
        escalation_id: UUID | None,
        user_id: UUID,
        destination_id: UUID,
        at: datetime | None,
        *,
        is_one_too_many: bool,
    ) -> PageRow:
        """What somebody gets who was paged, now that it is over; `at` None: at once."""
        row = self._row(
            None if escalation_id is None else escalation_id.bytes,
            rule_id,
            StepPage(destination_id),
            {},
            "You were paged about it.",
            reason=Reason.TOO_MANY_ENDS if is_one_too_many else Reason.PAGED_BEFORE,
            user=user_id,
            event_type=self.change.event_type,
        )
        # Behind all pages.
        row.urgency = Severity.INFO
        row.send_after = at
        if is_one_too_many:
            row.status, row.send_after = AlertDeliveryStatus.SUPPRESSED, None
        return row

    def fallback(
        self, escalation_id: bytes, policy: Policy, rule_id: UUID, destination_id: UUID, reason: str
    ) -> PageRow:
        """What the last resort gets when nobody answers."""
        detail = {
            "escalation": {
                "id": str(UUID(bytes=escalation_id)),
                "policy": {"id": str(policy.id), "name": policy.name},
                "reason": reason,
            },
            "fallback_for": {"name": f"the escalation policy “{policy.name}”"},
        }
        note = _FALLBACK_NOTES[reason].format(policy=policy.name)
        page = StepPage(destination_id)
        return self._row(escalation_id, rule_id, page, detail, note, reason=Reason.FALLBACK)

    def _row(
        self,
        escalation_id: bytes | None,
        rule_id: UUID | None,
        page: StepPage,
        detail: dict[str, Any],
        note: str,
        *,
        reason: Reason = Reason.ESCALATION,
        user: UUID | None = None,
        event_type: EventType = EventType.TRIGGERED,
    ) -> PageRow:
        change, details, entry = self.change, self.details, self.change.entry
        content = Content(
            event_type=event_type,
            created_at=self.now,
            workspace=self.directory.workspaces[entry.workspace_id],
            tenant=self.directory.tenants[details.tenant_id],
            rule=None if rule_id is None else _named(rule_id, entry.routing),
            alert=change.document(details),
            actor=change.actor,
            said=change.said,
            note=note,
            matched_labels=change.matched_labels(details),
            no_news_since=change.no_news_since,
        )
        waits = bool(page.delay)
        status = AlertDeliveryStatus.DEFERRED if waits else AlertDeliveryStatus.QUEUED
        return PageRow(
            id=uuid7_bytes(),
            workspace_id=entry.workspace_id.bytes,
            tenant_id=details.tenant_id.bytes,
            alert_rule_id=None if rule_id is None else rule_id.bytes,
            alert_destination_id=page.destination_id.bytes,
            alert_id=change.alert.id,
            event_type=event_type,
            status=status,
            send_after=self.now + page.delay if waits else None,
            payload=encode(content),
            reason=reason,
            detail=encoded(detail),
            urgency=change.alert.severity,
            escalation_id=escalation_id,
            user_id=None if user is None else user.bytes,
        )


def _named(rule_id: UUID, table: RoutingTable) -> Named:
    rule = table.by_id.get(rule_id)
    return Named(rule_id, "a rule since deleted" if rule is None else rule.name)


def step_document(
    taken: StepTaken, policy: Policy, book: OnCallBook, table: RoutingTable
) -> dict[str, Any]:
    """A step as its row and the timeline keep it: whom it reaches by which contact methods, and whom
    not, and why."""
    document: dict[str, Any] = {"loop": taken.loop, "step": taken.step}
    if taken.reached:
        document["reached"] = [_reached(each, book, table) for each in taken.reached]
        document["wait_seconds"] = policy.steps[taken.step].wait_seconds
    if taken.skipped:
        document["skipped"] = []
    for skip in taken.skipped:
        words: dict[str, Any] = {"reason": skip.reason.value}
        if skip.target is not None:
            words["target"] = skip.target.document()
        if skip.user_id is not None:
            words |= {"user_id": str(skip.user_id), "name": book.name(skip.user_id)}
        elif skip.target is not None and skip.target.type is TargetKind.DESTINATION:
            words["name"] = _destination(skip.target.id, table)
        if skip.words:
            words["words"] = skip.words
        document["skipped"].append(words)
    return document


def _reached(each: Reached, book: OnCallBook, table: RoutingTable) -> dict[str, Any]:
    document: dict[str, Any] = {"target": each.target.document()}
    if each.user_id is not None:
        document |= {"user_id": str(each.user_id), "name": book.name(each.user_id)}
    else:
        document["name"] = _destination(each.id, table)
    if each.cause:
        document["cause"] = each.cause
    document["pages"] = [
        {
            "alert_destination_id": str(page.destination_id),
            "name": _destination(page.destination_id, table),
            "delay_seconds": int(page.delay.total_seconds()),
        }
        for page in each.pages
    ]
    return document


def _destination(id: UUID, table: RoutingTable) -> str:
    found = table.destinations.get(id)
    return "a destination since deleted" if found is None else found.name
