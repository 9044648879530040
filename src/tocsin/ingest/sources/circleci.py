"""CircleCI, outbound webhooks: a workflow or a job that has come to its end.

Each is signed with HMAC-SHA256 of the body, `v1=` in `circleci-signature`, and named in the body. What
failed is resolved by the next success of the same workflow, or job, on the same branch.

Reference: circleci/circleci-docs, outbound-webhooks and outbound-webhooks-reference. There a
job-completed event of GitLab's bears the type workflow-completed, so what it holds counts.
"""

from __future__ import annotations

from typing import Any, ClassVar, Final

from tocsin.ingest.proof.scheme import Scheme
from tocsin.ingest.sources.base import BaseSource, Context
from tocsin.ingest.sources.kit.make_signal import make_signal, moment
from tocsin.ingest.sources.kit.reading import (
    object_of,
    present,
    require_object,
    require_text,
    text_of,
)
from tocsin.ingest.sources.kit.template import first_text
from tocsin.model import Signal, SignalKind

# Canceled by somebody, or not allowed to run: neither good nor bad.
_NEITHER: Final = frozenset(("canceled", "unauthorized", "not_run", "on_hold", "running"))
_STATUSES: Final = {
    "success": SignalKind.RESOLVE,
    "failed": SignalKind.TRIGGER,
    "error": SignalKind.TRIGGER,
}


class CircleCI(BaseSource):
    type: ClassVar[str] = "circleci"
    title: ClassVar[str] = "CircleCI"
    preset: ClassVar[Scheme] = Scheme(signature_header="circleci-signature", signature_prefix="v1=")

    def parse(self, payload: Any, context: Context) -> list[Signal]:
        document = require_object(payload, "a CircleCI webhook")
        workflow, job = object_of(document.get("workflow")), object_of(document.get("job"))
        status = _status(workflow, job)
        if status is None or status in _NEITHER:
            return []
        project = object_of(document.get("project"))
        path = require_text(
            first_text(project.get("slug"), project.get("id"), project.get("name")),
            "/project/slug",
            "the project is required",
        )
        name = require_text(workflow.get("name"), "/workflow/name", "the workflow is required")
        flags: list[str] = []
        if (kind := _STATUSES.get(status)) is None:
            flags.append("unknown_status")
            kind = SignalKind.TRIGGER
        ref = _Ref(object_of(document.get("pipeline")))
        job_name = text_of(job.get("name"))
        what = f"Job {job_name} of {name}" if job_name else f"Workflow {name}"
        happened = moment(
            first_text(
                job.get("stopped_at"), workflow.get("stopped_at"), document.get("happened_at")
            ),
            context,
            flags,
        )
        return [
            make_signal(
                kind,
                "/".join(part for part in (path, ref.fork, ref.name, name, job_name) if part),
                f"{what} failed on {ref.name}" if ref.name else f"{what} failed",
                flags=flags,
                description=ref.subject,
                triggered_at=happened if kind is SignalKind.TRIGGER else None,
                occurred_at=happened,
                labels=present(
                    {
                        "project": text_of(project.get("name")),
                        "organization": text_of(
                            object_of(document.get("organization")).get("name")
                        ),
                        "workflow": name,
                        "job": job_name,
                        "branch": ref.branch,
                        "tag": ref.tag,
                        "fork": ref.fork,
                    }
                ),
                metadata=present(
                    {
                        "url": text_of(workflow.get("url")),
                        "status": status,
                        "revision": ref.revision,
                        "pipeline_number": ref.number,
                        "job_number": job.get("number"),
                        "trigger": ref.trigger,
                        "webhook": text_of(object_of(document.get("webhook")).get("name")),
                    }
                ),
            )
        ]

    def ignored_reason(self, payload: Any, context: Context) -> str:
        document = object_of(payload)
        workflow, job = object_of(document.get("workflow")), object_of(document.get("job"))
        if (status := _status(workflow, job)) is not None:
            return f"it ended as {status[:40]}, which is neither a failure nor a success"
        return (
            f"the event {(text_of(document.get('type')) or 'without a type')[:40]} says no status"
        )

    def delivery_key(self, payload: Any) -> str | None:
        return text_of(object_of(payload).get("id"))


class _Ref:
    """What a pipeline ran on. GitHub by OAuth and Bitbucket Cloud say it in `vcs`, the others in the
    parameters of the trigger."""

    def __init__(self, pipeline: dict[str, Any]) -> None:
        vcs = object_of(pipeline.get("vcs"))
        parameters = object_of(pipeline.get("trigger_parameters"))
        git, provider = object_of(parameters.get("git")), object_of(parameters.get("gitlab"))
        commit = object_of(vcs.get("commit"))
        self.branch = first_text(vcs.get("branch"), git.get("branch"), provider.get("branch"))
        self.tag = first_text(vcs.get("tag"), git.get("tag"))
        self.revision = first_text(vcs.get("revision"), git.get("checkout_sha"))
        self.subject = first_text(commit.get("subject"), provider.get("commit_title"))
        self.number = pipeline.get("number")
        self.trigger = text_of(object_of(pipeline.get("trigger")).get("type"))
        origin, target = (
            text_of(vcs.get(f"{which}_repository_url")) for which in ("origin", "target")
        )
        # The branch `main` of somebody's fork is not ours.
        self.fork = origin if origin and target and origin != target else None

    @property
    def name(self) -> str | None:
        return self.branch or self.tag


def _status(workflow: dict[str, Any], job: dict[str, Any]) -> str | None:
    status = first_text(job.get("status") if job else workflow.get("status"))
    return None if status is None else status.lower()
