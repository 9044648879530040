"""Splunk, alert action "Webhook": the first row that a saved search found.

Splunk sends no header, no signature and no template, and never says that a problem ended. A search may
say it itself: the columns `tocsin_status`, `tocsin_id` and `severity` of its result count.
"""

from __future__ import annotations

from typing import Any, ClassVar, Final

from tocsin.ingest.proof.scheme import Scheme
from tocsin.ingest.sources.base import BaseSource, Context
from tocsin.ingest.sources.kit.decode import InvalidPayload
from tocsin.ingest.sources.kit.kinds import OwnKinds, parse_kind
from tocsin.ingest.sources.kit.make_signal import make_signal, moment
from tocsin.ingest.sources.kit.reading import (
    object_of,
    present,
    require_object,
    required,
    text_of,
    wrong_type,
)
from tocsin.ingest.sources.kit.signal_fields import severity_of
from tocsin.ingest.sources.kit.template import first_text
from tocsin.model import AuthScheme, Signal, SignalKind

_LABELS: Final = ("host", "source", "sourcetype", "index")


class Splunk(BaseSource):
    type: ClassVar[str] = "splunk"
    title: ClassVar[str] = "Splunk"
    preset: ClassVar[Scheme] = Scheme(auth_scheme=AuthScheme.URL)
    takes_kinds: ClassVar[bool] = True

    def parse(self, payload: Any, context: Context) -> list[Signal]:
        document = require_object(payload, "a Splunk webhook")
        result = document.get("result")
        if result is not None and not isinstance(result, dict):
            raise InvalidPayload([wrong_type("/result", "an object", result)])
        row = object_of(result)
        name, sid = text_of(document.get("search_name")), text_of(document.get("sid"))
        if name is None and sid is None:
            message = "the name of the search, or its sid, is required"
            raise InvalidPayload([required("/search_name", message)])
        flags: list[str] = []
        kind = _kind(row, context.kinds, flags)
        if kind is None:
            return []
        if name is None:
            flags.append("title_missing")
        own = {"app": text_of(document.get("app")), "owner": text_of(document.get("owner"))}
        path = "/".join(part for part in (*own.values(), name) if part)
        at = moment(first_text(row.get("_time")), context, flags)
        return [
            make_signal(
                kind,
                text_of(row.get("tocsin_id")) or (path if name else sid),
                name or "Splunk alert",
                flags=flags,
                severity=severity_of(first_text(row.get("severity"), row.get("urgency")), flags),
                description=text_of(row.get("_raw")),
                triggered_at=at if kind is SignalKind.TRIGGER else None,
                occurred_at=at,
                labels=present({**own, **{each: text_of(row.get(each)) for each in _LABELS}}),
                metadata=present(
                    {"results_link": document.get("results_link"), "sid": sid, "result": row}
                ),
            )
        ]

    def ignored_reason(self, payload: Any, context: Context) -> str:
        return "the search's own tocsin_status says nothing of an alert"


def _kind(row: dict[str, Any], own: OwnKinds, flags: list[str]) -> SignalKind | None:
    status = text_of(row.get("tocsin_status"))
    if status is None:
        return SignalKind.TRIGGER
    kind, doubtful = parse_kind(status, own)
    if doubtful:
        flags.append("unknown_status")
    return kind
