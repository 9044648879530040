"""Datadog, Webhooks integration: the payload is a template of the user's, only the variables are
Datadog's. Read are our recommended template (docs/sources/datadog.md), the same with its `alert`
part nested, what the default template offers (title, body, date), and the same variables under the
names that templates for other products give them ("alertTransition", "monitor_id", "url").

Datadog cannot sign; it sends a custom header. Form-encoded bodies are accepted.
"""

from __future__ import annotations

import re
from typing import Any, ClassVar, Final

import msgspec

from tocsin.ingest.proof.scheme import Scheme
from tocsin.ingest.sources.base import BaseSource, Context
from tocsin.ingest.sources.kit.decode import InvalidPayload
from tocsin.ingest.sources.kit.fingerprint import Path
from tocsin.ingest.sources.kit.kinds import parse_kind
from tocsin.ingest.sources.kit.make_signal import make_signal, moment
from tocsin.ingest.sources.kit.presets import BEARER
from tocsin.ingest.sources.kit.reading import object_of, present, require_object, required, text_of
from tocsin.ingest.sources.kit.severity import parse_severity
from tocsin.model import Severity, Signal, SignalKind

# A recovery, whatever it is from: `Recovered`, `Recovered from Warn`.
_RECOVERY: Final = re.compile(r"(recovered|recovery|resolved)\b")
# Each of them also as `re-…`.
_TRIGGERS: Final = frozenset(("triggered", "warn", "no data"))
# Marks that a title may carry besides.
_MARKS: Final = frozenset(
    ("renotify", "renotified", "renotification", "notify", "notified", "reminder", "escalated")
)
_TYPES: Final = {
    "error": Severity.HIGH,
    "warning": Severity.MEDIUM,
    "info": Severity.INFO,
    "success": Severity.INFO,
}
_ENOUGH: Final = ("alert_title", "title", "body", "alert_cycle_key", "alert_id")
# Our names, then what others call the same, without what only separates words.
_ALIASES: Final = {
    alias: name
    for name, aliases in {
        "id": "eventid",
        "title": "eventtitle monitorname",
        "body": "eventmsg eventmessage message msg",
        "text_only_body": "textonlymsg textonlymessage",
        "event_type": "",
        "date": "",
        "link": "url eventurl alerturl monitorurl eventlink",
        "snapshot": "snapshoturl",
        "hostname": "host",
        "tags": "eventtags",
        "aggreg_key": "aggregationkey aggregkey eventaggregkey",
        "org_id": "",
        "org_name": "",
        "alert_id": "monitorid",
        "alert_cycle_key": "cyclekey alertcycleid cycleid",
        "alert_title": "",
        "alert_transition": "transition",
        "alert_type": "",
        "alert_status": "",
        "alert_metric": "metric",
        "alert_query": "query",
        "alert_scope": "scope scopes alertscopes",
        "alert_priority": "",
    }.items()
    for alias in (name.replace("_", ""), *aliases.split())
}
_NESTED: Final = frozenset(("alert", "org", "event"))
# `$ALERT_PRIORITY`; `$PRIORITY`, which bears the same names in templates, is normal or low.
_PRIORITY: Final = re.compile(r"[Pp][1-5]")
_PRIORITY_NAMES: Final = ("priority", "severity")
_MAX_TAGS: Final = 500
_MAX_PREFIXES: Final = 4
_METADATA: Final = (
    "link",
    "snapshot",
    "hostname",
    "event_type",
    "tags",
    "aggreg_key",
    "alert_id",
    "alert_status",
    "alert_metric",
    "alert_query",
    "alert_scope",
    "alert_transition",
    "alert_type",
    "alert_priority",
)


class Datadog(BaseSource):
    type: ClassVar[str] = "datadog"
    title: ClassVar[str] = "Datadog"
    preset: ClassVar[Scheme] = BEARER
    volatile: ClassVar[tuple[Path, ...]] = (("last_updated",), ("snapshot",))

    def parse(self, payload: Any, context: Context) -> list[Signal]:
        values = _values(require_object(payload, "a Datadog webhook"))
        if not any(values.get(name) for name in _ENOUGH):
            message = "a title is required; see the template to paste in docs/sources/datadog.md"
            raise InvalidPayload([required("/title", message)])
        flags: list[str] = []
        full_title = values.get("alert_title") or values.get("title") or ""
        title, prefixes, scope = _strip(full_title)
        transition = (values.get("alert_transition") or next(iter(prefixes), "")).lower()
        kind = _kind(transition)
        if not title:
            title = values.get("alert_metric") or "Datadog alert"
            flags.append("title_missing")
        if kind is None:
            if transition:
                flags.append("unknown_status")
            ended = _kind(next(iter(prefixes), "")) is SignalKind.RESOLVE
            ended = ended or (not prefixes and values.get("alert_type", "").lower() == "success")
            kind = SignalKind.RESOLVE if ended else SignalKind.TRIGGER
        at = moment(values.get("date"), context, flags)
        return [
            make_signal(
                kind,
                _external_id(values, title, scope, flags),
                title,
                flags=flags,
                severity=_severity(values, transition, flags),
                description=values.get("text_only_body") or values.get("body"),
                triggered_at=at,
                occurred_at=at,
                labels=_labels(values),
                metadata={name: values[name] for name in _METADATA if name in values},
            )
        ]

    def delivery_key(self, payload: Any) -> str | None:
        """`$ID` is the event's id, one for each notification; a template that puts the monitor's
        id there instead names no delivery."""
        values = _values(object_of(payload))
        key = values.get("id")
        return key if key and key != values.get("alert_id") else None


def _values(payload: dict[str, Any]) -> dict[str, str]:
    """What the template says, flat (`alert.id` as `alert_id`) and under our names, without variables
    that Datadog left standing (`$ALERT_CYCLE_KEY`)."""
    values: dict[str, str] = {}
    for name, value in payload.items():
        if name in _NESTED:
            # Encoded as a form, a nested object arrives as its text.
            for inner, item in _nested(value).items():
                if text := _given(item):
                    values[inner if inner.startswith(f"{name}_") else f"{name}_{inner}"] = text
        elif text := _given(value):
            values[name] = text
    for name in list(values):
        own = _ALIASES.get(name[:40].replace("_", "").replace("-", "").lower())
        if own is not None:
            values.setdefault(own, values[name])
    return values


def _nested(value: Any) -> dict[str, Any]:
    if isinstance(value, str) and value.lstrip().startswith("{"):
        try:
            value = msgspec.json.decode(value)
        except (msgspec.DecodeError, RecursionError, UnicodeError):
            return {}
    return object_of(value)


def _given(value: Any) -> str | None:
    if isinstance(value, list):
        value = ",".join(text for item in value if (text := text_of(item)))
    text = text_of(value)
    if text is None or text == "null":
        return None
    name = text[1:].replace("_", "")
    if text[0] == "$" and name.isalnum() and name.isupper():
        return None
    return text


def _kind(transition: str) -> SignalKind | None:
    """What a transition asks for; None for what is none."""
    word = transition.strip().lower().removeprefix("re-")
    if _RECOVERY.match(word):
        return SignalKind.RESOLVE
    if word in _TRIGGERS or word in _MARKS:
        return SignalKind.TRIGGER
    kind, doubtful = parse_kind(word) if word else (None, True)
    return None if doubtful else kind


def _strip(title: str) -> tuple[str, list[str], str]:
    """The title without `[P1]`, `[Triggered on {host:a}]`, `[Renotified]`; the transitions and the
    scope found. Tags of the team's own in front stay, wherever they are among those."""
    transitions: list[str] = []
    scope = ""
    own: list[str] = []
    for _ in range(_MAX_PREFIXES):
        if not title.startswith("["):
            break
        end = title.find("}]") + 1 if " on {" in title.partition("]")[0] else title.find("]")
        if end <= 0:
            break
        word, _, on = title[1:end].partition(" on ")
        plain = word.strip().lower().removeprefix("re-")
        if plain in _MARKS:
            scope = scope or on.strip("{}")
        elif plain in _TRIGGERS or _RECOVERY.match(plain):
            transitions.append(word)
            scope = on.strip("{}") or scope
        elif not (len(word) == 2 and word[0] == "P" and word[1].isdigit()):
            own.append(title[: end + 1])
        title = title[end + 1 :].lstrip()
    return " ".join((*own, title)).rstrip(), transitions, scope


def _external_id(values: dict[str, str], title: str, scope: str, flags: list[str]) -> str | None:
    if cycle := values.get("alert_cycle_key"):
        return cycle
    if monitor := values.get("alert_id"):
        where = values.get("alert_scope")
        return f"{monitor}:{where}" if where else monitor
    if aggregation := values.get("aggreg_key"):
        return aggregation
    if "title_missing" in flags:
        return None
    # The default template has nothing better that trigger and recovery share.
    flags.append("correlated_by_title")
    return f"title:{title}|{scope}" if scope else f"title:{title}"


def _severity(values: dict[str, str], transition: str, flags: list[str]) -> Severity | None:
    severity, doubtful = parse_severity(values.get("alert_priority"))
    if doubtful:
        flags.append("unknown_severity")
    if severity is None:
        others = (values.get(name, "") for name in _PRIORITY_NAMES)
        found = next((word for word in others if _PRIORITY.fullmatch(word)), None)
        severity, _ = parse_severity(found)
    if severity is None:
        severity = _TYPES.get(values.get("alert_type", "").lower())
    if transition.removeprefix("re-") == "warn" and (severity is None or severity.rank > 2):
        return Severity.MEDIUM
    return severity


def _labels(values: dict[str, str]) -> dict[str, str]:
    """Tags `env:prod` as labels; a tag without a value is `true`, one that repeats is a list."""
    tags: dict[str, list[str]] = {}
    for tag in values.get("tags", "").split(",", _MAX_TAGS)[:_MAX_TAGS]:
        name, _, value = tag.strip().partition(":")
        if name:
            tags.setdefault(name, []).append(value or "true")
    labels = {name: ",".join(found) for name, found in tags.items()}
    if hostname := values.get("hostname"):
        labels.setdefault("host", hostname)
    if organisation := values.get("org_name"):
        labels.setdefault("org", organisation)
    return present(labels)
