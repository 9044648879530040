"""What traces say of a webhook."""

from __future__ import annotations

from tocsin.ingest.received_webhook import Accepted, Answer, Declined, Webhook
from tocsin.tracing import Tracer


def trace_webhook(tracer: Tracer, webhook: Webhook, answer: Answer, seconds: float) -> None:
    """It was answered. Of one that has not proven who sent it nothing is told: a stranger would choose
    what is recorded, and how much."""
    if webhook.is_rejected:
        return
    outcome, alerts = "", []
    match answer:
        case Accepted():
            outcome, alerts = answer.status.value, [alert for alert, _ in answer.alerts]
        case Declined():
            outcome = answer.problem
    tracer.webhook(
        webhook.id,
        webhook.headers,
        seconds,
        source=webhook.sender.source.type,
        integration_id=webhook.sender.id,
        workspace_id=webhook.sender.entry.workspace_id,
        status_code=answer.status_code,
        outcome=outcome,
        alerts=alerts,
    )


def trace_commit(tracer: Tracer, webhooks: list[Webhook], seconds: float) -> None:
    """One transaction has stored them."""
    told = [(each.id, each.headers) for each in webhooks if not each.is_rejected]
    tracer.committed(told, seconds)
