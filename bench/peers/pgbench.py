"""(a) PostgreSQL's own pgbench, committing the very same rows, one webhook per transaction."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

from bench import webhooks
from bench.installation import Installation

CLIENTS = (8, 16, 32, 64)

_DELIVERY = """
INSERT INTO webhook_deliveries (id, integration_id, content_fingerprint, raw_payload, headers,
    status_code, outcome, processed_at, alert_id, created_at)
VALUES ({delivery}, :integration::uuid, encode(sha256(:external::text::bytea), 'hex'), :body::json,
    :headers::jsonb, 201, 'created', now(), {alert}, now())"""
_CLAIM = """
INSERT INTO webhook_claims (integration_id, digest, webhook_delivery_id, expires_at)
VALUES (:integration::uuid, gen_random_uuid(), {delivery}, now() + interval '15 minutes')"""
_ALERT = """
INSERT INTO alerts (id, workspace_id, tenant_id, integration_id, title, description, severity, source,
    external_id, triggered_at, metadata, labels, last_received_at, last_signal_at)
VALUES ({alert}, :workspace::uuid, :tenant::uuid, :integration::uuid, :title::text,
    :description::text, 'CRITICAL', 'bench', :external::text, now(), :metadata::jsonb,
    :labels::jsonb, now(), now())"""
_EVENT = """
INSERT INTO alert_events (id, alert_id, kind, at, actor, webhook_delivery_id, detail)
VALUES (uuidv7(), {alert}, 'triggered', now(), :actor::jsonb, {delivery}, :detail::jsonb)"""


def script(*, one_statement: bool) -> str:
    """The rows of one new alert: claim, alert, delivery, event. As a transaction of ordinary
    statements, or all in one statement, which no program that has to decide in between can do."""
    values = {
        "delivery": "d.id" if one_statement else ":delivery::uuid",
        "alert": "d.alert" if one_statement else ":alert::uuid",
    }
    inserts = [part.format(**values) for part in (_CLAIM, _ALERT, _DELIVERY, _EVENT)]
    random = "\\set external random(1, 9000000000000000)\n"
    if one_statement:
        selects = [
            re.sub(r"VALUES \((.*)\)$", r"SELECT \1 FROM d", insert, flags=re.DOTALL)
            for insert in inserts
        ]
        steps = ", ".join(f"s{number} AS ({select})" for number, select in enumerate(selects))
        made = "WITH d AS MATERIALIZED (SELECT uuidv7() AS id, uuidv7() AS alert)"
        return f"{random}{made}, {steps} SELECT 1;\n"
    ids = "SELECT uuidv7() AS delivery, uuidv7() AS alert \\gset\n"
    return f"{random}{ids}BEGIN;" + ";".join(inserts) + ";\nCOMMIT;\n"


def _variables(installation: Installation) -> dict[str, str]:
    body = webhooks.body(1, "bench")
    document = json.loads(body)
    return {
        "workspace": str(installation.workspace_id),
        "tenant": str(installation.tenant_id),
        "integration": str(installation.integration_id),
        "body": body.decode(),
        "headers": '{"host": "127.0.0.1", "content-type": "application/json", '
        '"content-length": "480", "x-webhook-signature": "[redacted]"}',
        "title": document["title"],
        "description": document["description"],
        "metadata": json.dumps(
            {name: document[name] for name in ("value", "threshold", "runbook")}
        ),
        "labels": json.dumps(document["labels"]),
        "actor": f'{{"kind": "source", "name": "bench", "id": "{installation.integration_id}"}}',
        "detail": '{"severity": "CRITICAL"}',
    }


def best_rate(
    program: Path, installation: Installation, folder: Path, *, seconds: int, one_statement: bool
) -> tuple[float, int]:
    """Transactions per second at the best number of clients, and that number."""
    file = folder / f"webhook-{'one' if one_statement else 'many'}.sql"
    file.write_text(script(one_statement=one_statement))
    rates = {
        clients: _rate(program, installation, file, clients, seconds / len(CLIENTS))
        for clients in CLIENTS
    }
    clients = max(rates, key=rates.__getitem__)
    return rates[clients], clients


def _rate(
    program: Path, installation: Installation, file: Path, clients: int, seconds: float
) -> float:
    done = subprocess.run(
        [
            str(program),
            "--no-vacuum",
            "--protocol=prepared",
            f"--client={clients}",
            "--jobs=1",
            f"--time={max(2, round(seconds))}",
            f"--file={file}",
            *(f"--define={name}={value}" for name, value in _variables(installation).items()),
            installation.url,
        ],
        capture_output=True,
        text=True,
        check=False,
        timeout=seconds + 60,
    )
    found = re.search(r"tps = ([\d.]+)", done.stdout)
    if found is None:
        raise RuntimeError(f"pgbench: {done.stderr[-1500:]}")
    return float(found[1])
