"""UptimeRobot, alert contact of the kind webhook: the POST value is a template of the user's. Read is
the one of our page (docs/sources/uptimerobot.md), as JSON or as a form.

UptimeRobot cannot sign, so the secret stands in the address.
"""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any, ClassVar, Final

from tocsin.ingest.proof.scheme import Scheme
from tocsin.ingest.sources.base import BaseSource, Context
from tocsin.ingest.sources.kit.kinds import kind_of_state
from tocsin.ingest.sources.kit.make_signal import make_signal, moment
from tocsin.ingest.sources.kit.reading import (
    present,
    require_object,
    require_text,
    text_of,
)
from tocsin.ingest.sources.kit.template import filled, first_text, title_or
from tocsin.model import AuthScheme, Severity, Signal, SignalKind

_STANDING: Final = re.compile(r"\*[A-Za-z]+\*")
_DOWN, _UP, _CERTIFICATE = "1", "2", "3"
_METADATA: Final = ("monitorURL", "alertTypeFriendlyName", "alertFriendlyDuration", "alertDuration")
_MONITOR: Final = ("monitorID", "monitorURL", "monitorFriendlyName")
_VARIABLES: Final = {
    name.lower(): name
    for name in (
        *_MONITOR,
        *_METADATA,
        "alertType",
        "alertDetails",
        "alertDateTime",
    )
}
_LONGEST: Final = timedelta(days=3_650)


class UptimeRobot(BaseSource):
    type: ClassVar[str] = "uptimerobot"
    title: ClassVar[str] = "UptimeRobot"
    preset: ClassVar[Scheme] = Scheme(auth_scheme=AuthScheme.URL)

    def parse(self, payload: Any, context: Context) -> list[Signal]:
        values = _values(require_object(payload, "an UptimeRobot webhook"))
        monitor = require_text(
            # A template without the id has at least the address, or a name.
            first_text(*(values.get(name) for name in _MONITOR)),
            "/monitorID",
            "the monitor's id is required; see docs/sources/uptimerobot.md",
        )
        flags: list[str] = []
        title = title_or(
            text_of(values.get("monitorURL")) or f"UptimeRobot monitor {monitor}",
            flags,
            values.get("monitorFriendlyName"),
        )
        is_certificate = text_of(values.get("alertType")) == _CERTIFICATE
        kind = _kind(values, flags)
        at = moment(values.get("alertDateTime"), context, flags)
        return [
            make_signal(
                kind,
                # The end of an outage does not end the warning about the certificate.
                f"{monitor}:ssl" if is_certificate else monitor,
                f"Certificate of {title}" if is_certificate else title,
                flags=flags,
                severity=Severity.MEDIUM if is_certificate else None,
                description=text_of(values.get("alertDetails")),
                triggered_at=at if kind is SignalKind.TRIGGER else _before(at, values),
                occurred_at=at,
                labels=present({"url": text_of(values.get("monitorURL"))}),
                metadata=present({name: values.get(name) for name in _METADATA}),
            )
        ]


def _values(document: dict[str, Any]) -> dict[str, Any]:
    """What the variables say, under UptimeRobot's names for them, however the template spells these:
    "monitor_friendly_name" is as good as "monitorFriendlyName"."""
    values = filled(document, _STANDING)
    for name in list(values):
        squeezed = name[:40].replace("_", "").replace("-", "").lower()
        if squeezed in _VARIABLES:
            values.setdefault(_VARIABLES[squeezed], values[name])
    return values


def _kind(values: dict[str, Any], flags: list[str]) -> SignalKind:
    number = text_of(values.get("alertType"))
    if number in (_DOWN, _CERTIFICATE):
        return SignalKind.TRIGGER
    if number == _UP:
        return SignalKind.RESOLVE
    return kind_of_state(text_of(values.get("alertTypeFriendlyName")), flags)


def _before(ended: Any, values: dict[str, Any]) -> Any:
    """When it began, of an end that says how long it lasted."""
    seconds = text_of(values.get("alertDuration")) or ""
    if ended is None or not (seconds.isascii() and seconds.isdigit() and len(seconds) <= 9):
        return None
    lasted = timedelta(seconds=int(seconds))
    return ended - lasted if lasted < _LONGEST else None
