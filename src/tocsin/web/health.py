"""`/healthz` (the process lives), `/readyz` (it can take webhooks), `/metrics` (Prometheus)."""

from __future__ import annotations

import os
import platform
from collections.abc import Awaitable, Callable, MutableMapping
from importlib.metadata import version
from typing import Any

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    REGISTRY,
    CollectorRegistry,
    Gauge,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.multiprocess import MultiProcessCollector

from tocsin.ingest.spool.spool import Spool
from tocsin.store.database import Engine, is_answering

PATHS = frozenset({"/healthz", "/readyz", "/metrics"})
_DATABASE_SECONDS = 2
_AWAY = "the database cannot be reached"

BUILD = Gauge(
    "tocsin_build_info",
    "1, with the version of Tocsin and of Python that answer here.",
    ["version", "python"],
    multiprocess_mode="mostrecent",
)
# A second series for each counter and histogram, of which nobody asks when it was first counted.
disable_created_metrics()  # type: ignore[no-untyped-call]

Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]


def create_health(engine: Engine, spool: Spool | None = None) -> Any:
    BUILD.labels(version("tocsin"), platform.python_version()).set(1)

    async def answer(scope: MutableMapping[str, Any], receive: Any, send: Send) -> None:
        if scope["method"] not in ("GET", "HEAD"):
            await _respond(send, 405, b"Only GET is answered here.\n", allow=True)
        elif scope["path"] == "/healthz":
            await _respond(send, 200, b"ok\n")
        elif scope["path"] == "/metrics":
            await _respond(send, 200, _metrics(), content_type=CONTENT_TYPE_LATEST)
        elif await is_answering(engine, within_seconds=_DATABASE_SECONDS):
            emptying = (
                f": the spool is being emptied, {_filling(spool)}"
                if spool and spool.is_holding
                else ""
            )
            await _respond(send, 200, f"ready{emptying}\n".encode())
        elif spool is not None and spool.takes:
            said = f"ready: {_AWAY}; webhooks are kept in the spool, {_filling(spool)}\n"
            await _respond(send, 200, said.encode())
        elif spool is not None and spool.is_holding:
            said = f"not ready: {_AWAY}, and the spool is full, {_filling(spool)}\n"
            await _respond(send, 503, said.encode())
        else:
            await _respond(send, 503, f"not ready: {_AWAY}\n".encode())

    return answer


def _filling(spool: Spool) -> str:
    filling = spool.filling
    return f"{filling.webhooks} waiting, {filling.percent} % full"


def _metrics() -> bytes:
    """Of all workers where there are several: they share a folder, named by the parent."""
    registry = REGISTRY
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        registry = CollectorRegistry()
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return generate_latest(registry)


async def _respond(
    send: Send,
    status: int,
    body: bytes,
    *,
    content_type: str = "text/plain; charset=utf-8",
    allow: bool = False,
) -> None:
    headers = [
        (b"content-type", content_type.encode()),
        (b"content-length", b"%d" % len(body)),
        (b"cache-control", b"no-store"),
    ]
    if allow:
        headers.append((b"allow", b"GET, HEAD"))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
