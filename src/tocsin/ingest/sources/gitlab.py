"""GitLab: incidents, vulnerabilities, pipelines, jobs and deployments. GitLab has no webhook of its own
for alerts.

The secret comes in `X-Gitlab-Token`; a signing token (2026) is signed per Standard Webhooks. After four
failures in a row, 4xx included, GitLab stops calling for a while, so that every event is accepted.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
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
from tocsin.ingest.sources.kit.signal_fields import severity_of
from tocsin.ingest.sources.kit.template import first_text, title_or
from tocsin.model import AuthScheme, Severity, Signal, SignalKind

_TRIGGER: Final = SignalKind.TRIGGER
_RESOLVE: Final = SignalKind.RESOLVE
_INCIDENT: Final = {"open": _TRIGGER, "reopen": _TRIGGER, "close": _RESOLVE}
_ESCALATION: Final = {"acknowledged": SignalKind.ACKNOWLEDGE, "resolved": _RESOLVE}
_VULNERABILITY: Final = {
    "detected": _TRIGGER,
    "confirmed": SignalKind.ACKNOWLEDGE,
    "resolved": _RESOLVE,
    "dismissed": _RESOLVE,
}
# What runs, waits, was skipped or stopped by somebody says nothing either way.
_RUN: Final = {"failed": _TRIGGER, "success": _RESOLVE}


class GitLab(BaseSource):
    type: ClassVar[str] = "gitlab"
    title: ClassVar[str] = "GitLab"
    preset: ClassVar[Scheme] = Scheme(
        auth_scheme=AuthScheme.TOKEN,
        signature_header="X-Gitlab-Token",
        # For the integration that is changed over to a signing token.
        id_header="webhook-id",
        secret_encoding="standard_webhooks",  # noqa: S106 - the name of an encoding
    )
    key_headers: ClassVar[tuple[str, ...]] = ("idempotency-key",)

    def parse(self, payload: Any, context: Context) -> list[Signal]:
        document = require_object(payload, "a GitLab webhook")
        reader = _READERS.get(_kind_of_object(document))
        if reader is None:
            return []
        signal = reader(document, context)
        return [] if signal is None else [signal]

    def ignored_reason(self, payload: Any, context: Context) -> str:
        name = _kind_of_object(object_of(payload))[:50]
        if name not in _READERS:
            return f"the event {name or 'without object_kind'} opens, changes or ends no alert"
        return f"this {name} neither fails nor recovers, or is no incident"


def _kind_of_object(document: dict[str, Any]) -> str:
    return text_of(document.get("object_kind")) or ""


def _attributes(document: dict[str, Any]) -> dict[str, Any]:
    attributes = document.get("object_attributes")
    if not isinstance(attributes, dict):
        raise InvalidPayload([wrong_type("/object_attributes", "an object", attributes)])
    return attributes


def _incident(document: dict[str, Any], context: Context) -> Signal | None:
    attributes = _attributes(document)
    if (text_of(attributes.get("type")) or "").lower() != "incident":
        return None
    project = object_of(document.get("project"))
    number = require_text(
        attributes.get("iid"), "/object_attributes/iid", "the incident's number is required"
    )
    path = first_text(project.get("path_with_namespace"), project.get("id")) or ""
    action = (text_of(attributes.get("action")) or "").lower()
    state = (text_of(attributes.get("escalation_status")) or "").lower()
    kind = _INCIDENT.get(action) or _ESCALATION.get(state, SignalKind.UPDATE)
    flags: list[str] = []
    changed = moment(attributes.get("updated_at"), context, flags)
    created = moment(attributes.get("created_at"), context, flags)
    return make_signal(
        kind,
        f"{path}#{number}",
        title_or("GitLab incident", flags, attributes.get("title")),
        flags=flags,
        severity=_severity(attributes.get("severity"), flags),
        description=text_of(attributes.get("description")),
        # What is opened again was created long ago, and starts now.
        triggered_at=changed if action == "reopen" else created,
        occurred_at=changed,
        labels=present(
            {
                "project": path,
                **_titles(document.get("labels")),
                "escalation_policy": text_of(
                    object_of(attributes.get("escalation_policy")).get("name")
                ),
            }
        ),
        metadata=present(
            {
                "url": attributes.get("url"),
                "state": attributes.get("state"),
                "escalation_status": attributes.get("escalation_status"),
                "user": object_of(document.get("user")).get("name"),
            }
        ),
    )


def _vulnerability(document: dict[str, Any], context: Context) -> Signal | None:
    attributes = _attributes(document)
    url = require_text(
        attributes.get("url"), "/object_attributes/url", "the vulnerability's address is required"
    )
    flags: list[str] = []
    state = (text_of(attributes.get("state")) or "").lower()
    kind = _VULNERABILITY.get(state)
    if kind is None:
        flags.append("unknown_status")
        kind = _TRIGGER
    return make_signal(
        kind,
        url,
        title_or("GitLab vulnerability", flags, attributes.get("title")),
        flags=flags,
        severity=_severity(attributes.get("severity"), flags),
        triggered_at=moment(attributes.get("created_at"), context, flags),
        occurred_at=moment(attributes.get("updated_at"), context, flags),
        labels=present(
            {
                "project_id": text_of(attributes.get("project_id")),
                "report_type": text_of(attributes.get("report_type")),
            }
        ),
        metadata=present(
            {
                "url": url,
                "location": attributes.get("location"),
                "identifiers": attributes.get("identifiers"),
                "cvss": attributes.get("cvss"),
            }
        ),
    )


def _pipeline(document: dict[str, Any], context: Context) -> Signal | None:
    attributes = _attributes(document)
    project = object_of(document.get("project"))
    ref, source = text_of(attributes.get("ref")), text_of(attributes.get("source"))
    # A nightly run that fails is not fixed by a push that succeeds.
    identity = ("pipeline", text_of(project.get("id")), ref, source)
    return _run(
        document,
        context,
        status=attributes.get("status"),
        identity=identity,
        title=f"Pipeline of {ref} failed",
        started=attributes.get("created_at"),
        ended=attributes.get("finished_at"),
        link=attributes.get("url"),
        labels={"project": project.get("path_with_namespace"), "ref": ref, "source": source},
    )


def _job(document: dict[str, Any], context: Context) -> Signal | None:
    if document.get("build_allow_failure") is True:
        return None
    project = object_of(document.get("project"))
    ref, name = text_of(document.get("ref")), text_of(document.get("build_name"))
    number = first_text(document.get("project_id"), project.get("id"))
    path = first_text(project.get("path_with_namespace"), document.get("project_name"))
    return _run(
        document,
        context,
        status=document.get("build_status"),
        identity=("job", number, ref, name),
        title=f"Job {name} of {ref} failed",
        started=first_text(document.get("build_started_at"), document.get("build_created_at")),
        ended=document.get("build_finished_at"),
        link=None,
        labels={"project": path, "ref": ref, "job": name, "stage": document.get("build_stage")},
    )


def _deployment(document: dict[str, Any], context: Context) -> Signal | None:
    project = object_of(document.get("project"))
    environment = text_of(document.get("environment"))
    changed = document.get("status_changed_at")
    return _run(
        document,
        context,
        status=document.get("status"),
        identity=("deployment", text_of(project.get("id")), environment),
        title=f"Deployment to {environment} failed",
        started=changed,
        ended=changed,
        link=first_text(document.get("deployable_url"), document.get("commit_url")),
        labels={"project": project.get("path_with_namespace"), "environment": environment},
    )


def _run(
    document: dict[str, Any],
    context: Context,
    *,
    status: Any,
    identity: tuple[str | None, ...],
    title: str,
    started: Any,
    ended: Any,
    link: Any,
    labels: Mapping[str, Any],
) -> Signal | None:
    """Something that ran: a failure triggers, the next success of the same thing resolves."""
    kind = _RUN.get((text_of(status) or "").lower())
    if kind is None:
        return None
    flags: list[str] = []
    begun = moment(started, context, flags)
    happened = moment(ended, context, flags) or begun
    return make_signal(
        kind,
        ":".join(part or "" for part in identity),
        title,
        flags=flags,
        description=text_of(object_of(document.get("commit")).get("title")),
        triggered_at=happened if kind is _TRIGGER else None,
        occurred_at=happened,
        labels=present({name: text_of(value) for name, value in labels.items()}),
        metadata=present(
            {
                "url": text_of(link),
                "status": text_of(status),
                "user": object_of(document.get("user")).get("name"),
                "project_url": object_of(document.get("project")).get("web_url"),
            }
        ),
    )


_READERS: Final[Mapping[str, Callable[[dict[str, Any], Context], Signal | None]]] = {
    "issue": _incident,
    "work_item": _incident,
    "vulnerability": _vulnerability,
    "pipeline": _pipeline,
    "build": _job,
    "deployment": _deployment,
}


def _severity(value: Any, flags: list[str]) -> Severity | None:
    """GitLab's own `unknown` means that nobody has chosen one."""
    return None if text_of(value) in (None, "unknown") else severity_of(value, flags)


def _titles(labels: Any) -> dict[str, str]:
    """An incident's labels: `team::web` is scoped, others are just there."""
    found: dict[str, str] = {}
    for label in labels[:50] if isinstance(labels, list) else ():
        if title := text_of(object_of(label).get("title")):
            name, _, value = title.partition("::")
            found[name] = value or "true"
    return found
