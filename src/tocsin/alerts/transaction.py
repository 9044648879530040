"""One transaction for many webhooks: claim, lock, read, decide, plan, write, commit.

Locks are taken in one order everywhere (the configuration shared, then claims sorted, then problems
sorted), so batches of any number of nodes cannot deadlock.
"""

from __future__ import annotations

from collections.abc import Mapping
from copy import copy
from datetime import datetime
from typing import Any

from tocsin.alerts.alert_key import problem_lock
from tocsin.alerts.changes import AlertDetails, Event, concerns_anyone
from tocsin.alerts.correlate import AlertState, Problem, ResolutionMark, Step, correlate
from tocsin.alerts.directory import Configuration, Snapshot
from tocsin.alerts.planning import Planning
from tocsin.alerts.rows import Ledger, NewAlert
from tocsin.ingest.duplicates import Claims
from tocsin.ingest.reread import GONE, recheck
from tocsin.ingest.webhook import Accepted, Webhook
from tocsin.model import (
    AlertStatus,
    EventType,
    Severity,
    Signal,
    WebhookStatus,
    uuid7_bytes,
)
from tocsin.store import arrays
from tocsin.store.pipe import BEGIN, COMMIT, ROLLBACK, Pipe
from tocsin.store.statements import Statement, prepared

ProblemKey = tuple[bytes, str]


async def commit_webhooks(
    pipe: Pipe,
    configuration: Configuration,
    webhooks: list[Webhook],
    *,
    now: datetime,
    keep_rejected: int,
    dry_run: bool = False,
) -> Ledger:
    """Decide and store all of `webhooks`, or none; each has its `answer` afterwards.

    With `dry_run` everything is decided and nothing stays.

    Raises:
        psycopg.Error: nothing was stored, or (connection lost at the commit) nobody knows.
    """
    for webhook in webhooks:
        webhook.answer, webhook.duplicate_of = webhook.settled, None
    # Of an integration that is gone there is nothing to keep a record by.
    webhooks = [webhook for webhook in webhooks if webhook.settled is not GONE]
    claims = Claims.of(webhooks)
    keys = _problem_keys(webhooks)
    _, _, won, _, known = await pipe.run(
        (BEGIN, {}),
        (prepared("lock_configuration"), {}),
        (prepared("claim_webhooks"), claims.parameters(now)),
        (
            prepared("lock_problems"),
            {"problems": arrays.bigints(sorted(problem_lock(*key) for key in keys))},
        ),
        (
            prepared("read_problems"),
            {
                "integration_ids": arrays.uuids([key[0] for key in keys]),
                "external_ids": arrays.texts([key[1] for key in keys]),
                "now": now,
            },
        ),
    )
    await claims.settle(pipe, {d.bytes for d in won[0][0] or ()} if won else None)
    version, problems = _problems(keys, known)
    snapshot = configuration.snapshot
    if snapshot.version != version:
        snapshot = await configuration.refresh(version)
    # Also where the version is the same: the snapshot may have been renewed since they were read.
    if _is_out_of_date(webhooks, snapshot) and recheck(webhooks, snapshot):
        await pipe.run((ROLLBACK, {}))
        return await commit_webhooks(
            pipe,
            configuration,
            webhooks,
            now=now,
            keep_rejected=keep_rejected,
            dry_run=dry_run,
        )
    ledger = Ledger()
    events = _decide(webhooks, problems, ledger)
    _answer_repeats(webhooks)
    planning = Planning()
    if events:
        await planning.plan(pipe, events, snapshot, now)
    await _write(pipe, webhooks, claims, ledger, planning, now, keep_rejected, dry_run)
    return ledger


def _is_out_of_date(webhooks: list[Webhook], snapshot: Snapshot) -> bool:
    known = snapshot.integrations.get
    return any(known(webhook.entry.id) is not webhook.entry for webhook in webhooks)


def _problem_keys(webhooks: list[Webhook]) -> list[ProblemKey]:
    return list(
        {
            (webhook.entry.id_bytes, signal.external_id): None
            for webhook in webhooks
            for signal in webhook.signals
            if signal.external_id is not None
        }
    )


def _problems(
    keys: list[ProblemKey], rows: list[tuple[Any, ...]]
) -> tuple[int, dict[ProblemKey, Problem]]:
    """The version of the configuration, and what is known of each problem."""
    problems: dict[ProblemKey, Problem] = {}
    for row in rows:
        if row[1] is None:
            continue
        problem = problems[keys[row[1]]] = Problem()
        if row[2] is not None:
            problem.alert = AlertState(
                id=row[2].bytes,
                severity=Severity(row[3]),
                status=AlertStatus(row[4]),
                triggered_at=row[5],
                last_signal_at=row[6],
                last_received_at=row[7],
                occurrence_count=row[8],
                acknowledged_at=row[9],
                resolved_at=row[10],
            )
        if row[11] is not None:
            problem.mark = ResolutionMark(row[11], row[12].bytes if row[12] else None, row[13])
    return rows[0][0], problems


def _event_type(step: Step) -> EventType | None:
    """What destinations may be told of; an alert that is born resolved is told to nobody."""
    alert = step.alert
    if step.created and alert is not None:
        return EventType.TRIGGERED if alert.status is AlertStatus.OPEN else None
    if step.escalated:
        return EventType.TRIGGERED
    if step.status is WebhookStatus.ACKNOWLEDGED:
        return EventType.ACKNOWLEDGED
    return EventType.RESOLVED if step.status is WebhookStatus.RESOLVED else None


def _decide(
    webhooks: list[Webhook], problems: dict[ProblemKey, Problem], ledger: Ledger
) -> list[Event]:
    """Apply every signal in the order of arrival; what destinations may be told of comes back."""
    events: list[Event] = []
    for webhook in webhooks:
        if webhook.answer is not None or webhook.duplicate_of is not None:
            continue
        results: dict[bytes, WebhookStatus] = {}
        reason = None
        for signal in webhook.signals:
            status, alert_id, why = _apply(webhook, signal, problems, ledger, events)
            reason = why or reason
            if alert_id is not None:
                results[alert_id] = min(status, results.get(alert_id, status), key=_rank)
        webhook.answer = Accepted(
            min(results.values(), key=_rank, default=WebhookStatus.IGNORED),
            tuple(results.items()),
            reason,
        )
    return events


_RANKS = {status: rank for rank, status in enumerate(WebhookStatus)}
_rank = _RANKS.__getitem__


def _apply(
    webhook: Webhook,
    signal: Signal,
    problems: dict[ProblemKey, Problem],
    ledger: Ledger,
    events: list[Event],
) -> tuple[WebhookStatus, bytes | None, str | None]:
    entry = webhook.entry
    key = None
    if signal.external_id is None:
        problem = Problem()
    else:
        key = (entry.id_bytes, signal.external_id)
        problem = problems.get(key) or problems.setdefault(key, Problem())
    step = correlate(
        problem,
        signal,
        new_id=uuid7_bytes(),
        default_severity=entry.default_severity,
        received_at=webhook.received_at,
    )
    alert = step.alert
    if step.created and alert is not None:
        tenant_id = entry.tenant_id
        if signal.tenant is not None:
            tenant_id = entry.tenants.get(signal.tenant, tenant_id)
            if signal.tenant not in entry.tenants:
                webhook.flag("unknown_tenant")
        details = AlertDetails.of_signal(signal, tenant_id, webhook.received_at)
        ledger.new[alert.id] = NewAlert(alert, details, entry)
    elif alert is not None:
        ledger.changed[alert.id] = alert
    if step.late_occurrence and step.alert_id is not None:
        ledger.late[step.alert_id] += 1
        ledger.late_received[step.alert_id] = webhook.received_at
    if key is not None and step.marked and problem.mark is not None:
        if entry.window:
            heard_at = webhook.stored_at or webhook.received_at
            ledger.marks[key] = (problem.mark, heard_at + entry.window)
        else:
            # Without a window nothing is remembered, within one batch no more than between two.
            problem.mark = None
    for happening in step.happenings:
        assert step.alert_id is not None
        ledger.happened(step.alert_id, happening, webhook)
    event_type = _event_type(step)
    if alert is not None and event_type is not None and concerns_anyone(entry, event_type):
        created = ledger.new.get(alert.id)
        events.append(
            Event(
                event_type=event_type,
                alert=copy(alert),
                entry=entry,
                actor=entry.name,
                details=None if created is None else created.details,
                is_escalation=not step.created and event_type is EventType.TRIGGERED,
            )
        )
    return step.status, step.alert_id, step.reason


def _answer_repeats(webhooks: list[Webhook]) -> None:
    """Duplicates of a webhook of this very batch are answered from it."""
    answers = {webhook.id: webhook.answer for webhook in webhooks}
    for webhook in webhooks:
        if webhook.answer is None and webhook.duplicate_of is not None:
            first = answers[webhook.duplicate_of]
            alerts = first.alerts if isinstance(first, Accepted) else ()
            webhook.answer = Accepted(
                WebhookStatus.DUPLICATE,
                tuple((alert_id, WebhookStatus.DUPLICATE) for alert_id, _ in alerts),
            )


async def _write(
    pipe: Pipe,
    webhooks: list[Webhook],
    claims: Claims,
    ledger: Ledger,
    planning: Planning,
    now: datetime,
    keep_rejected: int,
    dry_run: bool,
) -> None:
    calls: list[tuple[Statement, Mapping[str, Any]]] = [
        (prepared(name), parameters)
        for name, parameters in (
            # First of all: what is resolved here makes room for the next live alert of its problem.
            ("update_alerts", ledger.updates(now)),
            ("write_webhooks", ledger.rows(webhooks, now)),
            ("count_late_occurrences", ledger.late_occurrences()),
            ("remember_resolves", ledger.resolves()),
            ("forget_claims", claims.to_forget()),
            *planning.statements(now),
        )
        if parameters is not None
    ]
    rejecting = sorted({w.entry.id_bytes for w in webhooks if w.is_rejected})
    if rejecting:
        trimmed = {"integration_ids": arrays.uuids(rejecting), "keep": keep_rejected}
        calls.append((prepared("trim_rejected"), trimmed))
    await pipe.run(*calls, (ROLLBACK if dry_run else COMMIT, {}))
