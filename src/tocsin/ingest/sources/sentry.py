"""Sentry, internal integration: issue alerts, metric alerts and issues.

The signature is the hex HMAC-SHA256 of the body under the integration's client secret; the time beside
it is not signed (getsentry/sentry, sentry_apps/models/sentry_app.py). `Request-ID` is a new one for each
attempt and names no delivery. Sentry does not repeat a webhook of an internal integration, and ends the
subscription of one that times out too often, so that every resource is accepted.

The older WebHooks integration of a project (sentry_plugins/sentry_webhooks) signs nothing and has a form
of its own, without resource and action: a rule fired for an issue.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Final, TypeGuard

from tocsin.ingest.proof.scheme import Scheme
from tocsin.ingest.sources.base import BaseSource, Context
from tocsin.ingest.sources.kit.decode import InvalidPayload
from tocsin.ingest.sources.kit.make_signal import make_signal, moment
from tocsin.ingest.sources.kit.reading import (
    object_of,
    pointer_to,
    present,
    require_object,
    require_text,
    text_of,
    wrong_type,
)
from tocsin.ingest.sources.kit.signal_fields import severity_of
from tocsin.ingest.sources.kit.tags import labels_of_pairs
from tocsin.ingest.sources.kit.template import first_text, title_or
from tocsin.model import Severity, Signal, SignalKind

_TRIGGER: Final = SignalKind.TRIGGER
_ACKNOWLEDGE: Final = SignalKind.ACKNOWLEDGE
_RESOLVE: Final = SignalKind.RESOLVE
_KINDS: Final[Mapping[str, Mapping[str, SignalKind]]] = {
    "event_alert": {"triggered": _TRIGGER},
    "metric_alert": {
        "critical": _TRIGGER,
        "warning": _TRIGGER,
        "open": _TRIGGER,
        "resolved": _RESOLVE,
    },
    "issue": {
        "created": _TRIGGER,
        "unresolved": _TRIGGER,
        "resolved": _RESOLVE,
        # Somebody has taken it, or has said that it need not be looked at.
        "assigned": _ACKNOWLEDGE,
        "archived": _ACKNOWLEDGE,
        "ignored": _ACKNOWLEDGE,
    },
}
_SUBJECTS: Final = {"event_alert": "event", "metric_alert": "metric_alert", "issue": "issue"}
_LEVELS: Final = {"sample": Severity.INFO}
_METRIC_LEVELS: Final = {"critical": Severity.CRITICAL, "warning": Severity.MEDIUM}
_ISSUE_URL: Final = re.compile(r"/issues/(\d+)/?$")
# What says who was affected does not belong on an alert.
_PERSONAL: Final = frozenset(("user", "url"))


class Sentry(BaseSource):
    type: ClassVar[str] = "sentry"
    title: ClassVar[str] = "Sentry"
    preset: ClassVar[Scheme] = Scheme(signature_header="Sentry-Hook-Signature")

    def parse(self, payload: Any, context: Context) -> list[Signal]:
        document = require_object(payload, "a Sentry webhook")
        if _is_of_project(document):
            return [_project_alert(document, context)]
        resource = _resource(document, context)
        kind = _KINDS.get(resource, {}).get(_action(document))
        if kind is None:
            return []
        data = object_of(document.get("data"))
        name = _SUBJECTS[resource]
        subject = data.get(name)
        if not isinstance(subject, dict):
            raise InvalidPayload([wrong_type(pointer_to("data", name), "an object", subject)])
        return [_READERS[resource](document, subject, kind, context)]

    def ignored_reason(self, payload: Any, context: Context) -> str:
        resource = _resource(object_of(payload), context)
        action = text_of(object_of(payload).get("action")) or ""
        return f"{resource[:50]} {action[:50]} opens, changes or ends no alert"


def _action(document: dict[str, Any]) -> str:
    return (text_of(document.get("action")) or "").lower()


def _resource(document: dict[str, Any], context: Context) -> str:
    """What the header says; without one (a proxy, a replay by hand) what the data holds."""
    if given := context.headers.get("sentry-hook-resource"):
        return given.strip().lower()
    data = object_of(document.get("data"))
    return next((name for name, key in _SUBJECTS.items() if key in data), "unknown")


def _issue_alert(
    document: dict[str, Any], event: dict[str, Any], kind: SignalKind, context: Context
) -> Signal:
    data = object_of(document.get("data"))
    found = _ISSUE_URL.search(text_of(event.get("issue_url")) or "")
    issue = require_text(
        first_text(event.get("issue_id"), found[1] if found else None),
        "/data/event/issue_id",
        "the issue's id is required",
    )
    flags: list[str] = []
    at = moment(event.get("datetime"), context, flags)
    return make_signal(
        kind,
        f"issue:{issue}",
        title_or("Sentry alert", flags, event.get("title"), event.get("message")),
        flags=flags,
        severity=_level(event.get("level"), flags),
        description=first_text(event.get("culprit"), event.get("location")),
        triggered_at=at,
        occurred_at=at,
        labels=_event_labels(event, data),
        metadata=present(
            {
                "web_url": event.get("web_url"),
                "event_id": event.get("event_id"),
                "triggered_rule": data.get("triggered_rule"),
                "platform": event.get("platform"),
                "release": event.get("release"),
            }
        ),
    )


def _is_of_project(document: dict[str, Any]) -> bool:
    return "data" not in document and "project_slug" in document and "event" in document


def _project_alert(document: dict[str, Any], context: Context) -> Signal:
    event = object_of(document.get("event"))
    issue = require_text(document.get("id"), "/id", "the issue's id is required")
    rules = document.get("triggering_rules")
    names = [text for item in rules if (text := text_of(item))] if _is_list(rules) else []
    flags: list[str] = []
    at = moment(first_text(event.get("timestamp"), event.get("received")), context, flags)
    title = title_or("Sentry alert", flags, event.get("title"), document.get("message"))
    return make_signal(
        _TRIGGER,
        f"issue:{issue}",
        title,
        flags=flags,
        severity=_level(first_text(document.get("level"), event.get("level")), flags),
        description=text_of(document.get("culprit")),
        triggered_at=at,
        occurred_at=at,
        labels=_event_labels(
            event | {"project_name": text_of(document.get("project_slug"))},
            {"triggered_rule": ",".join(names[:50])},
        ),
        metadata=present(
            {
                "web_url": document.get("url"),
                "event_id": event.get("event_id"),
                "triggered_rule": ",".join(names[:50]),
                "platform": event.get("platform"),
                "release": event.get("release"),
            }
        ),
    )


def _metric_alert(
    document: dict[str, Any], alert: dict[str, Any], kind: SignalKind, context: Context
) -> Signal:
    data = object_of(document.get("data"))
    rule = object_of(alert.get("alert_rule"))
    identity = require_text(alert.get("id"), "/data/metric_alert/id", "the alert's id is required")
    flags: list[str] = []
    started = first_text(alert.get("date_started"), alert.get("date_detected"))
    ended = alert.get("date_closed") if kind is _RESOLVE else None
    projects = alert.get("projects")
    names = [text for item in projects if (text := text_of(item))] if _is_list(projects) else []
    return make_signal(
        kind,
        f"metric_alert:{identity}",
        title_or(
            "Sentry alert",
            flags,
            rule.get("name"),
            data.get("description_title"),
            alert.get("title"),
        ),
        flags=flags,
        severity=_METRIC_LEVELS.get(_action(document)),
        description=text_of(data.get("description_text")),
        triggered_at=moment(started, context, flags),
        occurred_at=moment(ended, context, flags),
        labels=present(
            {"project": ",".join(names[:50]), "environment": text_of(rule.get("environment"))}
        ),
        metadata=present(
            {
                "web_url": data.get("web_url"),
                "query": rule.get("query"),
                "aggregate": rule.get("aggregate"),
                "time_window": rule.get("time_window"),
                "identifier": alert.get("identifier"),
            }
        ),
    )


def _issue(
    document: dict[str, Any], issue: dict[str, Any], kind: SignalKind, context: Context
) -> Signal:
    identity = require_text(issue.get("id"), "/data/issue/id", "the issue's id is required")
    flags: list[str] = []
    # An issue that comes back was first seen long ago; what comes back now starts now.
    is_new = _action(document) != "unresolved"
    started = moment(issue.get("firstSeen"), context, flags) if is_new else None
    project = object_of(issue.get("project"))
    return make_signal(
        kind,
        f"issue:{identity}",
        title_or("Sentry alert", flags, issue.get("title")),
        flags=flags,
        severity=_level(issue.get("level"), flags),
        description=text_of(issue.get("culprit")),
        triggered_at=started,
        occurred_at=started if kind is _TRIGGER else None,
        labels=present(
            {
                "project": first_text(project.get("slug"), project.get("name")),
                "level": text_of(issue.get("level")),
            }
        ),
        metadata=present(
            {
                "web_url": first_text(issue.get("web_url"), issue.get("permalink")),
                "short_id": issue.get("shortId"),
                "count": issue.get("count"),
                "user_count": issue.get("userCount"),
                "platform": issue.get("platform"),
                "substatus": issue.get("substatus"),
            }
        ),
    )


_Reader = Callable[[dict[str, Any], dict[str, Any], SignalKind, Context], Signal]
_READERS: Final[Mapping[str, _Reader]] = {
    "event_alert": _issue_alert,
    "metric_alert": _metric_alert,
    "issue": _issue,
}


def _level(value: Any, flags: list[str]) -> Severity | None:
    return _LEVELS.get(text_of(value) or "") or severity_of(value, flags)


def _event_labels(event: dict[str, Any], data: dict[str, Any]) -> dict[str, str]:
    tags = event.get("tags")
    pairs = [tag for tag in tags if _is_list(tag) and len(tag) == 2] if _is_list(tags) else []
    labels = labels_of_pairs(
        (name, value) for name, value in pairs if text_of(name) not in _PERSONAL
    )
    for name, value in (
        ("project", event.get("project_name") or event.get("project")),
        ("environment", event.get("environment")),
        ("level", event.get("level")),
        ("rule", data.get("triggered_rule")),
    ):
        if text := text_of(value):
            labels.setdefault(name, text)
    return labels


def _is_list(value: Any) -> TypeGuard[list[Any]]:
    return isinstance(value, list)
