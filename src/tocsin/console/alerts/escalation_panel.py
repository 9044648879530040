"""Who is paged for an alert: what its escalation did, what it does next, and the countdown to that."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from tocsin.alerts.on_call_book import OnCallBook, last_resort
from tocsin.explain.escalation_standing import next_step
from tocsin.explain.load import subject_of
from tocsin.model import EscalationState
from tocsin.oncall.policy_shapes import Policy
from tocsin.routing.rules import RoutingTable
from tocsin.store.database import DatabaseSession
from tocsin.store.queries.escalations import escalations_of
from tocsin.store.queries.integrations import integration_type
from tocsin.store.tables import Alert


@dataclass(frozen=True, slots=True)
class PanelStep:
    number: int
    at: datetime
    names: tuple[str, ...]
    words: str
    is_next: bool = False


@dataclass(frozen=True, slots=True)
class EscalationPanel:
    """The newest escalation of an alert. `next_at` None: nothing happens by itself any more."""

    policy: str
    state: EscalationState
    reason: str | None
    step: int
    steps: tuple[PanelStep, ...]
    next_at: datetime | None
    since: datetime | None
    """When the wait for the next step began."""
    next_names: tuple[str, ...]
    next_end: str
    """What comes where no step is left: the last resort by its name, or the end."""


async def read_panel(
    session: DatabaseSession, alert: Alert, book: OnCallBook, table: RoutingTable
) -> EscalationPanel | None:
    """None: no policy pages anybody for it."""
    found = await escalations_of(session, alert.id)
    if not found:
        return None
    row = found[0].escalation
    policy = book.policy(row.escalation_policy_id, row.policy_version)
    source_type = await integration_type(session, alert.integration_id)
    coming = await next_step(session, row, subject_of(alert, source_type or ""), book, table)
    steps = [_step(each.at, each.detail) for each in found[0].steps]
    next_at = None
    names: tuple[str, ...] = ()
    if coming is not None and coming["at"] is not None:
        next_at = datetime.fromisoformat(coming["at"])
        for document in coming["steps"]:
            ahead = _step(next_at, document, is_next=True)
            steps.append(ahead)
            names = names or ahead.names
    return EscalationPanel(
        policy="an escalation policy since deleted" if policy is None else policy.name,
        state=row.state,
        reason=row.reason,
        step=row.step + 1,
        steps=tuple(steps),
        next_at=next_at,
        since=_began(found[0].steps),
        next_names=names,
        next_end=_end(policy, table) if coming is not None and coming["exhausted"] else "",
    )


def _end(policy: Policy | None, table: RoutingTable) -> str:
    resort = None if policy is None else last_resort(policy, table)
    return "the escalation ends" if resort is None else resort.name


def _began(steps: Sequence[Any]) -> datetime | None:
    return steps[-1].at if steps else None


def _step(at: datetime, document: Mapping[str, Any], *, is_next: bool = False) -> PanelStep:
    reached = document.get("reached") or ()
    skipped = document.get("skipped") or ()
    by = [
        ", ".join(_page(page, each["name"]) for page in each.get("pages") or ()) or "paged already"
        for each in reached
    ]
    words = "; ".join(by) or "; ".join(_skip(each) for each in skipped)
    return PanelStep(
        document["step"] + 1, at, tuple(each["name"] for each in reached), words, is_next
    )


def _page(page: Mapping[str, Any], name: str) -> str:
    delay = timedelta(seconds=page.get("delay_seconds", 0))
    after = f" after {int(delay.total_seconds() // 60)} min" if delay else ""
    return str(page["name"]).removeprefix(f"{name}: ") + after


def _skip(skip: Mapping[str, Any]) -> str:
    reason = str(skip.get("words") or skip["reason"].replace("_", " "))
    return f"{skip['name']}: {reason}" if skip.get("name") else reason
