"""Notifications of Nagios and its relatives: about a host, or a service on a host.

All of them say the same things under nearly the same names: NOTIFICATIONTYPE of Nagios has NAGIOS_
before it in the environment, in Checkmk's NOTIFY_, and in Icinga's own scripts nothing. Read is any of
these spellings, as a form or as JSON.

Reference: NagiosEnterprises/nagioscore, common/macros.c; Icinga/icinga2,
etc/icinga2/conf.d/commands.conf; Checkmk/checkmk, cmk/notification_plugins.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from itertools import islice
from typing import Any, ClassVar, Final

from tocsin.ingest.proof.scheme import Scheme
from tocsin.ingest.sources.base import BaseSource, Context
from tocsin.ingest.sources.kit.kinds import kind_of_state, parse_kind
from tocsin.ingest.sources.kit.make_signal import make_signal, moment
from tocsin.ingest.sources.kit.presets import BEARER
from tocsin.ingest.sources.kit.reading import present, require_object, require_text
from tocsin.ingest.sources.kit.signal_fields import severity_of
from tocsin.ingest.sources.kit.template import filled, first_text
from tocsin.model import Severity, Signal, SignalKind

MAX_FIELDS: Final = 500

_STANDING: Final = re.compile(r"\$[^$\s]+\$")
_PREFIXES: Final = ("nagios", "icinga", "notify")

_FINE: Final = frozenset(("ok", "up"))
# The end of a time in which nobody was notified: what recovered meanwhile is never said otherwise.
_ENDS: Final = frozenset(
    (
        *(
            "downtimeend",
            "downtimeended",
            "downtimecancelled",
            "downtimecanceled",
            "downtimeremoved",
        ),
        *("flappingstop", "flappingstopped", "flappingend", "flappingended", "flappingdisabled"),
    )
)
_CHANGES: Final = frozenset((SignalKind.TRIGGER, SignalKind.RESOLVE))
_STATES: Final[Mapping[str, Severity]] = {
    **dict.fromkeys(("critical", "crit", "down"), Severity.CRITICAL),
    **dict.fromkeys(("unreachable", "unreach"), Severity.HIGH),
    **dict.fromkeys(("warning", "warn", "unknown", "unkn"), Severity.MEDIUM),
}
# Where each thing stands, in the order of who is believed.
_TYPE: Final = ("notificationtype", "type")
_HOST: Final = ("hostname", "host")
_SERVICE: Final = ("servicedesc", "servicename", "servicedescription", "service")
# One of these is in whatever a script of this family sends.
_OWN: Final = frozenset(
    ("notificationtype", "hostname", "hoststate", "servicedesc", "servicename", "servicestate")
)
_AUTHOR: Final = ("notificationauthor", "notificationauthorname", "author")
_COMMENT: Final = ("notificationcomment", "comment")
_NOW: Final = ("timet", "microtime", "longdatetime", "datetime", "date")
_LABELS: Final = {
    "hostaddress": "address",
    "hostgroupnames": "hostgroups",
    "servicegroupnames": "servicegroups",
    "contactgroupname": "contact_group",
    "omdsite": "site",
}
_METADATA: Final = {
    "hostalias": "host_alias",
    "hostdisplayname": "host_alias",
    "servicedisplayname": "service_alias",
    "serviceattempt": "attempt",
    "hostattempt": "attempt",
    "hostperfdata": "performance",
    "serviceperfdata": "performance",
    "monitoringhost": "monitoring_host",
}


class HostServiceSource(BaseSource):
    """What the sources of this family share."""

    preset: ClassVar[Scheme] = BEARER
    page: ClassVar[str]

    def parse(self, payload: Any, context: Context) -> list[Signal]:
        fields = _fields(require_object(payload, "a notification"))
        if not fields or _is_of_another_script(fields):
            return []
        host = require_text(
            _first(fields, _HOST), "/hostname", f"the host's name is required; see {self.page}"
        )
        service = None if _is_of_a_host(fields) else _first(fields, _SERVICE)
        about = "host" if service is None else "service"
        flags: list[str] = []
        state = first_text(fields.get(f"{about}state"), fields.get(f"{about}shortstate")) or ""
        kind = _kind(_first(fields, _TYPE), state, flags)
        if kind is None:
            return []
        since = _since(fields.get(f"last{about}statechange"), context, flags)
        now = _now(fields, context, flags)
        return [
            make_signal(
                kind,
                # Neither name may hold an exclamation mark; it is how Icinga joins them.
                host if service is None else f"{host}!{service}",
                f"Host {host}" if service is None else f"{service} on {host}",
                flags=flags,
                severity=_severity(fields, state, flags),
                description=_description(fields, about),
                triggered_at=since if kind is not SignalKind.RESOLVE else None,
                occurred_at=now or (since if kind in _CHANGES else None),
                labels=_labels(fields, host, service),
                metadata=_metadata(fields, about, state),
            )
        ]

    def ignored_reason(self, payload: Any, context: Context) -> str:
        fields = _fields(payload) if isinstance(payload, dict) else {}
        if not fields or _is_of_another_script(fields):
            return f"not the form of our script; see the fields in {self.page}"
        word = (_first(fields, _TYPE) or "")[:40]
        return f"a notification of the type {word}, which is about no problem"


def _fields(document: dict[str, Any]) -> dict[str, Any]:
    """What the macros say, under their names in lower case, without underscores and prefix."""
    found: dict[str, Any] = {}
    for name, value in islice(filled(document, _STANDING).items(), MAX_FIELDS):
        squeezed = "".join(filter(str.isalnum, name.lower()))
        for prefix in _PREFIXES:
            squeezed = squeezed.removeprefix(prefix)
        found.setdefault(squeezed, value)
    return found


def _is_of_another_script(fields: dict[str, Any]) -> bool:
    return _OWN.isdisjoint(fields)


def _is_of_a_host(fields: dict[str, Any]) -> bool:
    return (first_text(fields.get("what")) or "").lower() == "host"


def _first(fields: dict[str, Any], names: tuple[str, ...]) -> str | None:
    return first_text(*(fields.get(name) for name in names))


def _kind(word: str | None, state: str, flags: list[str]) -> SignalKind | None:
    is_fine = state.lower() in _FINE
    if word is None:
        return kind_of_state(state or None, flags)
    squeezed = "".join(filter(str.isalpha, word.lower()))
    if squeezed == "custom":
        # Somebody wants to be heard about a problem that is known; about none, it is a test.
        return None if is_fine else SignalKind.UPDATE
    kind, doubtful = parse_kind(word)
    if doubtful:
        flags.append("unknown_status")
    if kind is None and is_fine and squeezed in _ENDS:
        return SignalKind.RESOLVE
    return kind


def _severity(fields: dict[str, Any], state: str, flags: list[str]) -> Severity | None:
    """The one that a custom variable says, else the state's."""
    if (own := fields.get("severity")) is not None:
        return severity_of(own, flags)
    if state.lower() in _FINE:
        return None
    return _STATES.get(state.lower()) or severity_of(state, flags)


def _since(value: Any, context: Context, flags: list[str]) -> datetime | None:
    """A host or service that never changed its state says 0, in Icinga -1."""
    text = first_text(value)
    return None if text in (None, "0", "-1") else moment(text, context, flags)


def _now(fields: dict[str, Any], context: Context, flags: list[str]) -> datetime | None:
    return moment(_first(fields, _NOW), context, flags)


def _description(fields: dict[str, Any], about: str) -> str | None:
    texts = (
        first_text(fields.get(f"{about}output")),
        # Nagios writes the line ends of what a check says as two characters.
        (first_text(fields.get(f"long{about}output")) or "").replace("\\n", "\n"),
    )
    return "\n\n".join(text for text in texts if text) or None


def _labels(fields: dict[str, Any], host: str, service: str | None) -> dict[str, Any]:
    named = {label: first_text(fields.get(name)) for name, label in _LABELS.items()}
    return present({"host": host, "service": service, **named})


def _metadata(fields: dict[str, Any], about: str, state: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, label in _METADATA.items():
        if (text := first_text(fields.get(name))) is not None:
            found.setdefault(label, text)
    acknowledged = tuple(f"{about}ack{what}" for what in ("author", "comment"))
    return present(
        {
            **found,
            "state": state,
            "author": _first(fields, (*_AUTHOR, acknowledged[0])),
            "comment": _first(fields, (*_COMMENT, acknowledged[1])),
            "notes": first_text(fields.get(f"{about}notes")),
            "runbook_url": first_text(fields.get(f"{about}notesurl")),
            "url": first_text(fields.get(f"{about}url"), fields.get(f"{about}actionurl")),
        }
    )
