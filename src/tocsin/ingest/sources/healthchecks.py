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
from tocsin.ingest.sources.kit.kinds import kind_of_state
from tocsin.ingest.sources.kit.make_signal import make_signal, moment
from tocsin.ingest.sources.kit.presets import BEARER
from tocsin.ingest.sources.kit.reading import (
    present,
    require_object,
    require_text,
    text_of,
)
from tocsin.ingest.sources.kit.signal_fields import severity_of
from tocsin.ingest.sources.kit.tags import labels_of_tags
from tocsin.ingest.sources.kit.template import filled, first_text, nested_object, title_or
from tocsin.model import Signal, SignalKind

_STANDING: Final = re.compile(r"\$[A-Z_]+[0-9]*")
_CHECK: Final = frozenset(("grace", "n_pings", "status"))
_METADATA: Final = ("slug", "timeout", "schedule", "tz", "grace", "last_ping", "n_pings")


class Healthchecks(BaseSource):
    type: ClassVar[str] = "healthchecks"
    title: ClassVar[str] = "Healthchecks"
    preset: ClassVar[Scheme] = BEARER

    def parse(self, payload: Any, context: Context) -> list[Signal]:
        values = filled(require_object(payload, "a Healthchecks webhook"), _STANDING)
        # A body of nothing but $JSON is the check itself.
        check = values if values.keys() >= _CHECK else nested_object(values.get("check"))
        external_id = require_text(
            first_text(values.get("code"), check.get("uuid"), check.get("unique_key")),
            "/code",
            "the check's code is required; see docs/sources/healthchecks.md",
        )
        flags: list[str] = []
        title = title_or(f"Check {external_id}", flags, check.get("name"), values.get("name"))
        kind = kind_of_state(first_text(values.get("status"), check.get("status")), flags)
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
