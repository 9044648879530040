"""Any tool that can post JSON: fields by their plain names, one alert or a list of them, or by a mapping
of your own."""

from __future__ import annotations

from typing import Any, ClassVar

from tocsin.ingest.proof.scheme import Scheme
from tocsin.ingest.sources.base import BaseSource, Context
from tocsin.ingest.sources.kit.decode import InvalidPayload
from tocsin.ingest.sources.kit.make_signal import MAX_ALERTS
from tocsin.ingest.sources.kit.reading import require_object, wrong_type
from tocsin.ingest.sources.kit.signal_fields import signal_from_fields
from tocsin.model import Fault, Signal


class Generic(BaseSource):
    type: ClassVar[str] = "generic"
    title: ClassVar[str] = "Generic webhook"
    preset: ClassVar[Scheme] = Scheme()
    takes_mapping: ClassVar[bool] = True
    takes_kinds: ClassVar[bool] = True

    def parse(self, payload: Any, context: Context) -> list[Signal]:
        if context.mapping is not None:
            return context.mapping.signals(payload, context)
        if isinstance(payload, list) and payload:
            return _each(payload, context)
        signal = signal_from_fields(require_object(payload, "the body"), context)
        return [] if signal is None else [signal]

    def ignored_reason(self, payload: Any, context: Context) -> str:
        if context.mapping is not None:
            return "the integration's mapping finds no alert in it, or says to ignore it"
        return "the status says nothing of an alert, but of a downtime, flapping or the like"


def _each(payload: list[Any], context: Context) -> list[Signal]:
    """One signal per element.

    Raises:
        InvalidPayload: with every fault of every element.
    """
    if len(payload) > MAX_ALERTS:
        message = f"{len(payload)} alerts in one webhook; at most {MAX_ALERTS} are taken"
        raise InvalidPayload([Fault("", "too-many-alerts", message)])
    signals: list[Signal] = []
    faults: list[Fault] = []
    for index, fields in enumerate(payload):
        if not isinstance(fields, dict):
            faults.append(wrong_type(f"/{index}", "an object", fields))
            continue
        try:
            signal = signal_from_fields(fields, context, f"/{index}")
        except InvalidPayload as error:
            faults += error.faults
            continue
        if signal is not None:
            signals.append(signal)
    if faults:
        raise InvalidPayload(faults)
    return signals
