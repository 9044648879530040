"""Jira, webhooks of an administrator: an issue is an alert from its creation until its status is done.

Jira Cloud signs with HMAC-SHA256 of the body, `sha256=` in `X-Hub-Signature`, and names a delivery in
`X-Atlassian-Webhook-Identifier`, which stays the same over retries. What counts of a status is its
category (`new`, `indeterminate`, `done`), whose key no language changes.

Reference: Atlassian's documentation of webhooks; payloads that others published.
"""

from __future__ import annotations

from typing import Any, ClassVar, Final

from tocsin.ingest.proof.scheme import Scheme
from tocsin.ingest.sources.base import BaseSource, Context
from tocsin.ingest.sources.kit.decode import InvalidPayload
from tocsin.ingest.sources.kit.make_signal import make_signal, moment
from tocsin.ingest.sources.kit.reading import (
    object_of,
    present,
    require_object,
    require_text,
    text_of,
    wrong_type,
)
from tocsin.ingest.sources.kit.severity import parse_severity
from tocsin.ingest.sources.kit.tags import labels_of_tags
from tocsin.ingest.sources.kit.template import first_text, title_or
from tocsin.model import Severity, Signal, SignalKind

_CREATED: Final = "jira:issue_created"
_UPDATED: Final = "jira:issue_updated"
_DELETED: Final = "jira:issue_deleted"
_EVENTS: Final = frozenset((_CREATED, _UPDATED, _DELETED))
_DONE: Final = "done"
_DONE_NAMES: Final = frozenset(("done", "closed", "resolved", "completed", "complete"))
# A status that somebody set: the work begins, or waits again.
_BY_CATEGORY: Final = {
    "indeterminate": SignalKind.ACKNOWLEDGE,
    "new": SignalKind.UNACKNOWLEDGE,
}
_PRIORITIES: Final = {
    "highest": Severity.CRITICAL,
    "lowest": Severity.INFO,
    "trivial": Severity.INFO,
}
# Of a priority in another language; those that a site has made itself have numbers from 10000 on.
_BY_NUMBER: Final = {
    "1": Severity.CRITICAL,
    "2": Severity.HIGH,
    "3": Severity.MEDIUM,
    "4": Severity.LOW,
    "5": Severity.INFO,
}
_MAX_CHANGES: Final = 200


class Jira(BaseSource):
    type: ClassVar[str] = "jira"
    title: ClassVar[str] = "Jira"
    preset: ClassVar[Scheme] = Scheme(
        signature_header="X-Hub-Signature", signature_prefix="sha256="
    )
    key_headers: ClassVar[tuple[str, ...]] = ("x-atlassian-webhook-identifier",)
    # Up to five retries, each five to fifteen minutes after the other.
    window_minutes: ClassVar[int] = 120

    def parse(self, payload: Any, context: Context) -> list[Signal]:
        document = require_object(payload, "a Jira webhook")
        event = text_of(document.get("webhookEvent")) or ""
        if event not in _EVENTS:
            return []
        issue = document.get("issue")
        if not isinstance(issue, dict):
            raise InvalidPayload([wrong_type("/issue", "an object", issue)])
        fields = object_of(issue.get("fields"))
        key = text_of(issue.get("key"))
        external_id = require_text(
            first_text(issue.get("id"), key), "/issue/id", "the issue's id is required"
        )
        flags: list[str] = []
        kind = _kind(event, document, fields)
        happened = moment(document.get("timestamp"), context, flags)
        created = moment(fields.get("created"), context, flags) if event == _CREATED else None
        summary = title_or("Jira issue", flags, fields.get("summary"))
        return [
            make_signal(
                kind,
                external_id,
                f"{key} {summary}" if key else summary,
                flags=flags,
                severity=_severity(object_of(fields.get("priority")), flags),
                description=text_of(fields.get("description")),
                # What is opened again was created long ago, and starts now.
                triggered_at=(created or happened) if kind is SignalKind.TRIGGER else None,
                occurred_at=happened,
                labels=_labels(fields),
                metadata=_metadata(document, issue, fields, key),
            )
        ]

    def ignored_reason(self, payload: Any, context: Context) -> str:
        event = text_of(object_of(payload).get("webhookEvent")) or "without webhookEvent"
        return f"the event {event[:60]} opens, changes or ends no alert"


def _kind(event: str, document: dict[str, Any], fields: dict[str, Any]) -> SignalKind:
    category = _category(fields)
    if event == _DELETED or category == _DONE:
        return SignalKind.RESOLVE
    if event == _CREATED:
        return SignalKind.TRIGGER
    changes = _changes(document)
    if any(_takes_an_end_back(change) for change in changes):
        return SignalKind.TRIGGER
    if not any(text_of(change.get("field")) == "status" for change in changes):
        return SignalKind.UPDATE
    return _BY_CATEGORY.get(category, SignalKind.UPDATE)


def _category(fields: dict[str, Any]) -> str:
    status = object_of(fields.get("status"))
    return (text_of(object_of(status.get("statusCategory")).get("key")) or "").lower()


def _changes(document: dict[str, Any]) -> list[dict[str, Any]]:
    items = object_of(document.get("changelog")).get("items")
    return [object_of(item) for item in _list(items)[:_MAX_CHANGES]]


def _takes_an_end_back(change: dict[str, Any]) -> bool:
    """Whether it opens a done issue again. A change names statuses without their category, so that
    one that nobody but its site knows is seen by the resolution that goes."""
    field = text_of(change.get("field"))
    if field == "resolution":
        return text_of(change.get("to")) is None
    return field == "status" and (text_of(change.get("fromString")) or "").lower() in _DONE_NAMES


def _severity(priority: dict[str, Any], flags: list[str]) -> Severity | None:
    name = text_of(priority.get("name"))
    if name is None:
        return None
    if (severity := _PRIORITIES.get(name.lower())) is not None:
        return severity
    severity, doubtful = parse_severity(name)
    if doubtful:
        severity = _BY_NUMBER.get(text_of(priority.get("id")) or "")
        if severity is None:
            flags.append("unknown_severity")
    return severity


def _labels(fields: dict[str, Any]) -> dict[str, str]:
    labels = labels_of_tags(_list(fields.get("labels")))
    components = (text_of(object_of(each).get("name")) for each in _list(fields.get("components")))
    own = {
        "project": text_of(object_of(fields.get("project")).get("key")),
        "issue_type": text_of(object_of(fields.get("issuetype")).get("name")),
        "component": ",".join(name for name in components if name) or None,
    }
    return {**labels, **{name: text for name, text in own.items() if text}}


def _metadata(
    document: dict[str, Any], issue: dict[str, Any], fields: dict[str, Any], key: str | None
) -> dict[str, Any]:
    site, is_api, _ = (text_of(issue.get("self")) or "").partition("/rest/")
    return present(
        {
            "key": key,
            "url": f"{site}/browse/{key}" if is_api and key else None,
            "status": text_of(object_of(fields.get("status")).get("name")),
            "priority": text_of(object_of(fields.get("priority")).get("name")),
            "assignee": text_of(object_of(fields.get("assignee")).get("displayName")),
            "reporter": text_of(object_of(fields.get("reporter")).get("displayName")),
            "user": text_of(object_of(document.get("user")).get("displayName")),
        }
    )


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
