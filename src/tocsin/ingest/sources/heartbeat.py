"""Heartbeats: what is expected to ping (docs/concepts/heartbeats.md). Their alerts are opened by the
clock, not by a webhook; one that is posted to the integration itself is an alert by its plain fields.
"""

from __future__ import annotations

from typing import Any, ClassVar

from tocsin.ingest.proof.scheme import Scheme
from tocsin.ingest.sources.base import BaseSource, Context
from tocsin.ingest.sources.kit.reading import require_object
from tocsin.ingest.sources.kit.signal_fields import signal_from_fields
from tocsin.model import AuthScheme, Signal


class HeartbeatSource(BaseSource):
    type: ClassVar[str] = "heartbeat"
    title: ClassVar[str] = "Heartbeats"
    preset: ClassVar[Scheme] = Scheme(auth_scheme=AuthScheme.URL)
    found_by_key: ClassVar[bool] = True
    """Its secret is the ping key of its workspace: `/ping/<ping key>/<slug>`."""

    def parse(self, payload: Any, context: Context) -> list[Signal]:
        signal = signal_from_fields(require_object(payload, "the body"), context)
        return [] if signal is None else [signal]

    def ignored_reason(self, payload: Any, context: Context) -> str:
        return "the status tells of no problem, but of a downtime, flapping or the like"
