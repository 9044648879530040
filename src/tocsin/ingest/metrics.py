"""What ingest counts, for `/metrics`."""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

WEBHOOKS = Counter(
    "tocsin_webhooks_total", "Webhooks answered, by source and status code.", ["source", "code"]
)
REFUSED = Counter("tocsin_webhooks_refused_total", "Webhooks answered 503, by reason.", ["reason"])
for _reason in ("database", "memory", "overloaded", "rate"):
    # From 0 on: a series that begins with 1 has not risen, to Prometheus.
    REFUSED.labels(_reason)
FAULTS = Counter("tocsin_ingest_faults_total", "Webhooks that could not be stored: faults of ours.")
UNRECORDED = Counter(
    "tocsin_webhooks_unrecorded_total",
    "Attempts that failed verification and came too fast to be put on record.",
)
SPOOLED = Counter(
    "tocsin_webhooks_spooled_total",
    "Webhooks answered 202: kept on disk while the database was away.",
)
UNSPOOLED = Counter(
    "tocsin_webhooks_unspooled_total",
    "Webhooks of the spool that are in the database now, by what became of them.",
    ["outcome"],
)
for _outcome in ("created", "updated", "resolved", "duplicate", "rejected"):
    UNSPOOLED.labels(_outcome)
SPOOL_WEBHOOKS = Gauge(
    "tocsin_spool_webhooks",
    "Webhooks in the spool, waiting for the database.",
    multiprocess_mode="livesum",
)
SPOOL_BYTES = Gauge(
    "tocsin_spool_bytes", "What they take of TOCSIN_SPOOL_BYTES.", multiprocess_mode="livesum"
)
SPOOL_DAMAGED = Counter(
    "tocsin_spool_damaged_total", "Records of the spool that could not be read, and are kept aside."
)
OVER_BUDGET = Counter(
    "tocsin_webhooks_over_rule_budget_total",
    "Webhooks of which the rules asked for more matching than one transaction allows.",
)
BATCH_SIZE = Histogram(
    "tocsin_ingest_batch_size",
    "Webhooks per transaction.",
    buckets=(1, 2, 4, 8, 16, 32, 64, 128, 256),
)
LATENCY = Histogram(
    "tocsin_webhook_seconds",
    "From the last byte of a webhook to its answer.",
    buckets=(0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
PINGS = Counter(
    "tocsin_heartbeat_pings_total", "Pings answered, by what became of them.", ["outcome"]
)
UNKNOWN_RECIPIENTS = Counter(
    "tocsin_mail_unknown_recipients_total", "Recipients of mails that no integration has."
)
