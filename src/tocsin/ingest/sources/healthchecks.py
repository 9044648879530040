"""Healthchecks, integration of the kind webhook: URL, headers and body are the user's, for "down" and
for "up". Read is the template of our page (docs/sources/healthchecks.md).

Reference: healthchecks/healthchecks, hc/integrations/webhook/transport.py. It tries three times at
once and takes 200, 201, 202 and 204 for success.
"""

from __future__ import annotations

import re
from typing import Any, ClassVar, Final

from tocsin.ingest.proof.scheme import Scheme
from tocsin.ingest.sources.base import BaseSource, Context
from tocsin.ingest.sources.kit.decode import InvalidPayload
from tocsin.ingest.sources.kit.kinds import parse_kind
from tocsin.ingest.sources.kit.make_signal import make_signal, moment
from tocsin.ingest.sources.kit.reading import present, require_object, required, text_of
from tocsin.ingest.sources.kit.signal_fields import severity_of
from tocsin.ingest.sources.kit.tags import labels_of_tags
from tocsin.ingest.sources.kit.template import filled, first_text, nested_object
from tocsin.model import AuthScheme, Signal, SignalKind

_STANDING: Final = re.compile(r"\$[A-Z_]+[0-9]*")
_METADATA: Final = ("slug", "timeout", "schedule", "tz", "grace", "last_ping", "n_pings")


class Healthchecks(BaseSource):
    type: ClassVar[str] = "healthchecks"
    title: ClassVar[str] = "Healthchecks"
    preset: ClassVar[Scheme] = Scheme(
        auth_scheme=AuthScheme.TOKEN, signature_header="Authorization", signature_prefix="Bearer "
    )

    def parse(self, payload: Any, context: Context) -> list[Signal]:
        values = filled(require_object(payload, "a Healthchecks webhook"), _STANDING)
        check = nested_object(values.get("check"))
        external_id = first_text(values.get("code"), check.get("uuid"), check.get("unique_key"))
        if external_id is None:
            message = "the check's code is required; see docs/sources/healthchecks.md"
            raise InvalidPayload([required("/code", message)])
        flags: list[str] = []
        title = first_text(check.get("name"), values.get("name"))
        if title is None:
            title = f"Check {external_id}"
            flags.append("title_missing")
        status = first_text(values.get("status"), check.get("status"))
        kind, doubtful = parse_kind(status or "unknown state")
        if doubtful or kind is None:
            flags.append("unknown_status")
        kind = kind or SignalKind.TRIGGER
        tags = first_text(check.get("tags"), values.get("tags")) or ""
        labels = labels_of_tags(tags.split(), ":=")
        at = moment(values.get("now"), context, flags)
        return [
            make_signal(
                kind,
                external_id,
                title,
                flags=flags,
                severity=severity_of(labels.get("severity"), flags),
                description=_description(values, check),
                triggered_at=at if kind is SignalKind.TRIGGER else None,
                occurred_at=at,
                labels=labels,
                # Its other addresses would let every reader ping, pause or resume the check.
                metadata=present({name: check.get(name) for name in _METADATA}),
            )
        ]


def _description(values: dict[str, Any], check: dict[str, Any]) -> str | None:
    code = text_of(values.get("exit_status"))
    texts = (
        text_of(check.get("desc")),
        f"exit status {code}" if code else None,
        text_of(values.get("body")),
    )
    return "\n\n".join(text for text in texts if text) or None
