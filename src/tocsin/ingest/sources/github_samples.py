"""Webhooks as GitHub sends them: runs of workflows, and alerts of Dependabot."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

from tocsin.ingest.sources.kit.sample_events import RESOLVE, TRIGGER, SampleEvent
from tocsin.model import iso

KINDS: Final = (TRIGGER, RESOLVE)


def sample(event: SampleEvent) -> tuple[dict[str, str], Any]:
    """Headers and document of one webhook."""
    repository = {
        "id": event.number("repository") % 10**9,
        "name": event.scene.service,
        "full_name": f"example/{event.scene.service}",
        "private": True,
        "html_url": f"https://github.com/example/{event.scene.service}",
    }
    event_type = "dependabot_alert" if event.n % 2 else "workflow_run"
    document = _dependabot(event, repository) if event.n % 2 else _workflow_run(event, repository)
    document |= {"repository": repository, "sender": {"login": "robin-okafor", "type": "User"}}
    headers = {
        "User-Agent": "GitHub-Hookshot/7d2a41c",
        "X-GitHub-Event": event_type,
        "X-GitHub-Delivery": event.uuid("github"),
        "X-GitHub-Hook-ID": "48151623",
    }
    return headers, document


def _workflow_run(event: SampleEvent, repository: Mapping[str, Any]) -> dict[str, Any]:
    run = event.number(f"run-{event.kind}") % 10**10
    workflow = event.number("workflow") % 10**7
    return {
        "action": "completed",
        "workflow_run": {
            "id": run,
            "name": "deploy",
            "workflow_id": workflow,
            "run_number": 100 + event.n,
            "run_attempt": 1,
            "event": "push",
            "status": "completed",
            "conclusion": "failure" if event.kind == TRIGGER else "success",
            "head_branch": "main",
            "head_sha": f"{event.number('sha'):040x}"[-40:],
            "display_title": f"Raise the limits of {event.scene.service}",
            "html_url": f"{repository['html_url']}/actions/runs/{run}",
            "created_at": iso(event.now - timedelta(minutes=6)),
            "run_started_at": iso(event.now - timedelta(minutes=6)),
            "updated_at": iso(event.now),
        },
        "workflow": {"id": workflow, "name": "deploy", "path": ".github/workflows/deploy.yml"},
    }


def _dependabot(event: SampleEvent, repository: Mapping[str, Any]) -> dict[str, Any]:
    fixed = event.kind == RESOLVE
    return {
        "action": "fixed" if fixed else "created",
        "alert": {
            "number": event.n,
            "state": "fixed" if fixed else "open",
            "dependency": {
                "package": {"ecosystem": "pip", "name": "leftpadding"},
                "manifest_path": "requirements.lock",
                "scope": "runtime",
            },
            "security_advisory": {
                "ghsa_id": "GHSA-xxxx-yyyy-zzzz",
                "cve_id": None,
                "summary": "leftpadding reads a file named by its input",
                "description": "A crafted width makes the formatter open a local file.",
                "severity": "high",
            },
            "html_url": f"{repository['html_url']}/security/dependabot/{event.n}",
            "created_at": iso(event.started_at),
            "updated_at": iso(event.now),
            "fixed_at": iso(event.now) if fixed else None,
            "dismissed_at": None,
        },
    }
