"""What Prometheus reads of deliveries."""

from __future__ import annotations

from collections.abc import Iterable

from prometheus_client import Counter, Gauge, Histogram

from tocsin.model import AlertDeliveryStatus, AttemptOutcome

ATTEMPTS = Counter(
    "tocsin_delivery_attempts_total",
    "Attempts to deliver, by channel and outcome (sent, retry, failed, unknown).",
    ["channel", "outcome"],
)
FINISHED = Counter(
    "tocsin_alert_deliveries_finished_total",
    "Alert deliveries that came to their end here, by channel and status.",
    ["channel", "status"],
)
LATENCY = Histogram(
    "tocsin_delivery_latency_seconds",
    "From when an alert delivery was due until it was sent at its first attempt.",
    ["channel"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300),
)
SEND_SECONDS = Histogram(
    "tocsin_delivery_send_seconds",
    "Duration of one attempt at the destination.",
    ["channel"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 15, 30),
)
# Of several workers' gauges: the newest value where each sees the whole installation, else the sum.
PENDING = Gauge(
    "tocsin_alert_deliveries_pending",
    "Alert deliveries queued or deferred, in the whole installation.",
    multiprocess_mode="mostrecent",
)
OLDEST_PENDING = Gauge(
    "tocsin_oldest_pending_delivery_seconds",
    "Age of the oldest alert delivery that is due or being retried, in the whole installation.",
    multiprocess_mode="mostrecent",
)
IN_HAND = Gauge(
    "tocsin_alert_deliveries_in_hand",
    "Alert deliveries claimed by the dispatchers here and not yet recorded.",
    multiprocess_mode="livesum",
)
HELD = Gauge(
    "tocsin_destinations_held",
    "Destinations with pending deliveries that are held, failing or throttled.",
    multiprocess_mode="mostrecent",
)
FALLBACKS = Counter("tocsin_fallback_messages_total", "Messages made for fallback destinations.")
LOST_LEASES = Counter(
    "tocsin_delivery_leases_lost_total",
    "Deliveries that another dispatcher took over while this one still had them in hand.",
)


def begin_at_zero(channels: Iterable[str]) -> None:
    """Show the counters of these before the first message: a series that begins with 1 has not
    risen, to Prometheus."""
    for channel in channels:
        for outcome in AttemptOutcome:
            ATTEMPTS.labels(channel, outcome)
        for status in (AlertDeliveryStatus.SENT, AlertDeliveryStatus.FAILED):
            FINISHED.labels(channel, status)
