"""The webhook that everything is measured with: one of a generic sender, some 500 bytes long."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
from collections.abc import Iterator

HEADER = "X-Webhook-Signature"


def body(number: int, run: str) -> bytes:
    document = {
        "title": f"Disk /var almost full on db{number}",
        "description": "97 % used, 1.2 GiB free. It grew by 3 GiB/h for six hours; the volume will "
        "be full before the morning shift.",
        "severity": "critical",
        "status": "firing",
        "id": f"{run}-{number}",
        "timestamp": "2026-11-21T21:04:20Z",
        "labels": {
            "host": f"db{number}.example",
            "team": "storage",
            "service": "orders-db",
            "region": "eu-central-1",
        },
        "value": 97.1,
        "threshold": 90,
        "runbook": "https://runbooks.example/disk-full",
    }
    return json.dumps(document, separators=(",", ":")).encode()


def signed(count: int, secret: str) -> Iterator[tuple[str, bytes]]:
    """`count` webhooks that were never sent before, each with its signature."""
    run = os.urandom(6).hex()
    for number in range(count):
        content = body(number, run)
        yield hmac.new(secret.encode(), content, hashlib.sha256).hexdigest(), content
