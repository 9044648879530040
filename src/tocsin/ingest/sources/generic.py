"""Any tool that can post JSON: fields by their plain names, or by a mapping of your own."""

from __future__ import annotations

from typing import Any, ClassVar

from tocsin.ingest.proof.scheme import Scheme
from tocsin.ingest.sources.base import BaseSource, Context
from tocsin.ingest.sources.kit.reading import require_object
from tocsin.ingest.sources.kit.signal_fields import signal_from_fields
from tocsin.model import Signal


class Generic(BaseSource):
    type: ClassVar[str] = "generic"
    title: ClassVar[str] = "Generic webhook"
    preset: ClassVar[Scheme] = Scheme()
    takes_mapping: ClassVar[bool] = True
    takes_kinds: ClassVar[bool] = True

    def parse(self, payload: Any, context: Context) -> list[Signal]:
        if context.mapping is not None:
            return context.mapping.signals(payload, context)
        signal = signal_from_fields(require_object(payload, "the body"), context)
        return [] if signal is None else [signal]

    def ignored_reason(self, payload: Any, context: Context) -> str:
        if context.mapping is not None:
            return "the integration's mapping finds no alert in it, or says to ignore it"
        return "the status says nothing of an alert, but of a downtime, flapping or the like"
