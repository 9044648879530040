"""GitHub: security alerts of a repository, and workflow runs that fail.

The event's name is in a header only. GitHub never delivers again by itself; a redelivery by hand
carries the same `X-GitHub-Delivery`.
"""

from __future__ import annotations

from collections.abc import Callable
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
    required,
    text_of,
    wrong_type,
)
from tocsin.ingest.sources.kit.signal_fields import severity_of
from tocsin.ingest.sources.kit.template import first_text
from tocsin.model import Fault, Severity, Signal, SignalKind

_TRIGGER, _RESOLVE = SignalKind.TRIGGER, SignalKind.RESOLVE

# event → action → kind; every other action is ignored.
_ACTIONS: Final[dict[str, dict[str, SignalKind]]] = {
    "dependabot_alert": {
        **dict.fromkeys(("created", "reopened", "reintroduced", "auto_reopened"), _TRIGGER),
        **dict.fromkeys(("fixed", "dismissed", "auto_dismissed"), _RESOLVE),
    },
    "code_scanning_alert": {
        **dict.fromkeys(("created", "reopened", "reopened_by_user"), _TRIGGER),
        **dict.fromkeys(("fixed", "closed_by_user"), _RESOLVE),
    },
    "secret_scanning_alert": {
        **dict.fromkeys(("created", "reopened", "publicly_leaked"), _TRIGGER),
        **dict.fromkeys(("resolved", "revoked"), _RESOLVE),
    },
}
# How a run ended: what it asks for, and what is said of it.
_CONCLUSIONS: Final = {
    "failure": (_TRIGGER, "failed"),
    "timed_out": (_TRIGGER, "timed out"),
    "startup_failure": (_TRIGGER, "could not start"),
    "success": (_RESOLVE, "failed"),
}
_RUN_METADATA: Final = tuple(
    "id run_number run_attempt html_url conclusion event head_sha".split()  # noqa: SIM905
)
_ALERT_METADATA: Final = ("number", "html_url", "state", "dismissed_reason", "resolution")
_RULE_SEVERITIES: Final = {
    "none": Severity.INFO,
    "note": Severity.INFO,
    "warning": Severity.MEDIUM,
    "error": Severity.HIGH,
}


class GitHub(BaseSource):
    type: ClassVar[str] = "github"
    title: ClassVar[str] = "GitHub"
    preset: ClassVar[Scheme] = Scheme(
        signature_header="X-Hub-Signature-256", signature_prefix="sha256="
    )
    key_headers: ClassVar[tuple[str, ...]] = ("x-github-delivery",)

    def parse(self, payload: Any, context: Context) -> list[Signal]:
        document = require_object(payload, "a GitHub webhook")
        event = _event(document, context)
        if event == "workflow_run":
            return _workflow_run(document, context)
        kind = _ACTIONS.get(event, {}).get(_action(document))
        return [] if kind is None else [_alert(event, kind, document, context)]

    def ignored_reason(self, payload: Any, context: Context) -> str:
        document = object_of(payload)
        event = _event(document, context)
        if event == "ping":
            return "GitHub's ping: the webhook is set up"
        if event == "workflow_run":
            conclusion = text_of(object_of(document.get("workflow_run")).get("conclusion"))
            return f"a workflow run that ended with {(conclusion or 'nothing yet')[:100]}"
        action = text_of(document.get("action"))
        name = f"{event}.{action}" if action else event
        return f"the event {name[:100]} opens or ends no alert"


def _event(document: dict[str, Any], context: Context) -> str:
    """The name in the header; without one (a replayed file) what the payload gives away."""
    if name := context.headers.get("x-github-event", "").strip().lower():
        return name
    if "zen" in document:
        return "ping"
    if "workflow_run" in document:
        return "workflow_run"
    alert = object_of(document.get("alert"))
    for field, name in (
        ("security_advisory", "dependabot_alert"),
        ("rule", "code_scanning_alert"),
        ("secret_type", "secret_scanning_alert"),
    ):
        if field in alert:
            return name
    message = "the header X-GitHub-Event is required: it says what this is"
    raise InvalidPayload([required("", message)])


def _action(document: dict[str, Any]) -> str:
    return (text_of(document.get("action")) or "").lower()


def _object(document: dict[str, Any], name: str) -> dict[str, Any]:
    value = document.get(name)
    if isinstance(value, dict):
        return value
    fault: Fault = (
        required(f"/{name}", f"`{name}` is required in this event")
        if value is None
        else wrong_type(f"/{name}", "an object", value)
    )
    raise InvalidPayload([fault])


def _workflow_run(document: dict[str, Any], context: Context) -> list[Signal]:
    if _action(document) != "completed":
        return []
    run = _object(document, "workflow_run")
    ended = _CONCLUSIONS.get((text_of(run.get("conclusion")) or "").lower())
    if ended is None:
        return []
    kind, outcome = ended
    flags: list[str] = []
    repository = _repository(document)
    branch = text_of(run.get("head_branch")) or "HEAD"
    fork = _fork(document, run)
    # A fork calls its branches as it likes: its `main` is not ours.
    where = branch if fork is None else f"{fork}:{branch}"
    workflow = object_of(document.get("workflow"))
    workflow_id = require_text(
        first_text(run.get("workflow_id"), workflow.get("id")),
        "/workflow_run/workflow_id",
        "a workflow id is required",
    )
    name = text_of(workflow.get("name")) or text_of(run.get("name")) or f"workflow {workflow_id}"
    # The alert fires when the run ends, not when it starts: a run that started earlier may end
    # later, and the last to end says how things are.
    at = moment(run.get("updated_at") or run.get("run_started_at"), context, flags)
    return [
        make_signal(
            kind,
            f"{repository}#workflow/{workflow_id}@{where}",
            f"{name} {outcome} on {where} ({repository})",
            flags=flags,
            description=text_of(run.get("display_title")),
            triggered_at=at,
            occurred_at=at,
            labels=present(
                {
                    "repository": repository,
                    "workflow": name,
                    "branch": where,
                    "fork": fork,
                    "event": "workflow_run",
                }
            ),
            metadata=_pick(run, _RUN_METADATA),
        )
    ]


def _alert(event: str, kind: SignalKind, document: dict[str, Any], context: Context) -> Signal:
    alert = _object(document, "alert")
    flags: list[str] = []
    repository = _repository(document)
    slug, describe = _DESCRIBE[event]
    title, description, severity, labels = describe(alert, flags)
    number = text_of(alert.get("number"))
    external_id = text_of(alert.get("html_url"))
    if external_id is None:
        if number is None:
            raise InvalidPayload([required("/alert/html_url", "the alert's html_url is required")])
        external_id = f"{repository}#{slug}/{number}"
    if title is None:
        title = f"{event.replace('_', ' ')} {number or ''} in {repository}"
        flags.append("title_missing")
    created = moment(alert.get("created_at"), context, flags)
    ended = next(
        (alert[n] for n in ("fixed_at", "dismissed_at", "resolved_at") if alert.get(n)), None
    )
    if kind is _RESOLVE:
        occurred = moment(ended or alert.get("updated_at"), context, flags)
    elif _action(document) == "created":
        occurred = created
    else:
        occurred = moment(alert.get("updated_at"), context, flags)
    return make_signal(
        kind,
        external_id,
        title,
        flags=flags,
        severity=severity,
        description=description,
        triggered_at=created,
        occurred_at=occurred,
        labels=present({"repository": repository, "event": event, **labels}),
        metadata={
            **_pick(alert, _ALERT_METADATA),
            "action": document.get("action"),
        },
    )


Described = tuple[str | None, str | None, Severity | None, dict[str, str | None]]


def _dependabot(alert: dict[str, Any], flags: list[str]) -> Described:
    advisory = object_of(alert.get("security_advisory"))
    dependency = object_of(alert.get("dependency"))
    package = object_of(dependency.get("package"))
    labels = {
        "package": text_of(package.get("name")),
        "ecosystem": text_of(package.get("ecosystem")),
        "manifest": text_of(dependency.get("manifest_path")),
        "ghsa": text_of(advisory.get("ghsa_id")),
        "cve": text_of(advisory.get("cve_id")),
    }
    return (
        text_of(advisory.get("summary")),
        text_of(advisory.get("description")),
        severity_of(advisory.get("severity"), flags),
        labels,
    )


def _code_scanning(alert: dict[str, Any], flags: list[str]) -> Described:
    rule = object_of(alert.get("rule"))
    location = object_of(object_of(alert.get("most_recent_instance")).get("location"))
    labels = {
        "rule": text_of(rule.get("id")),
        "tool": text_of(object_of(alert.get("tool")).get("name")),
        "path": text_of(location.get("path")),
    }
    level = rule.get("security_severity_level")
    if level is None:
        word = text_of(rule.get("severity")) or ""
        severity = _RULE_SEVERITIES.get(word.lower())
        if word and severity is None:
            flags.append("unknown_severity")
    else:
        severity = severity_of(level, flags)
    title = text_of(rule.get("description")) or text_of(rule.get("name")) or labels["rule"]
    return title, text_of(rule.get("full_description")), severity, labels


def _secret_scanning(alert: dict[str, Any], flags: list[str]) -> Described:
    kind = text_of(alert.get("secret_type"))
    name = text_of(alert.get("secret_type_display_name")) or kind
    # Never the secret itself, which some payloads carry.
    title = f"Secret exposed: {name}" if name else "Secret exposed"
    return title, None, Severity.HIGH, {"secret_type": kind}


_DESCRIBE: Final[dict[str, tuple[str, Callable[[dict[str, Any], list[str]], Described]]]] = {
    "dependabot_alert": ("dependabot", _dependabot),
    "code_scanning_alert": ("code-scanning", _code_scanning),
    "secret_scanning_alert": ("secret-scanning", _secret_scanning),
}


def _repository(document: dict[str, Any]) -> str:
    return text_of(object_of(document.get("repository")).get("full_name")) or "unknown repository"


def _fork(document: dict[str, Any], run: dict[str, Any]) -> str | None:
    """The full name of the fork whose branch was run; None if it is the repository's own."""
    if "head_repository" not in run:
        return None
    head = object_of(run["head_repository"])
    # Null is what is left of a fork that was deleted.
    name = text_of(head.get("full_name")) or "unknown fork"
    return None if name.lower() == _repository(document).lower() else name


def _pick(document: dict[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    return {name: document[name] for name in names if document.get(name) is not None}
