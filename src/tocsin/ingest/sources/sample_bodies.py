"""The same scenes in the words and shapes of each tool."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any, Final
from uuid import NAMESPACE_URL, uuid5

from tocsin.ingest.sources.kit.alert_group import labels_fingerprint
from tocsin.ingest.sources.sample_scenes import Shot
from tocsin.model import SignalKind, iso

TRIGGER: Final = SignalKind.TRIGGER.value
ACKNOWLEDGE: Final = SignalKind.ACKNOWLEDGE.value
RESOLVE: Final = SignalKind.RESOLVE.value

Body = Callable[[Shot], tuple[dict[str, str], Any]]
"""Headers and document of one telling."""


def _generic(shot: Shot) -> tuple[dict[str, str], Any]:
    status = {TRIGGER: "firing", ACKNOWLEDGE: "acknowledged", RESOLVE: "resolved"}[shot.kind]
    document = {
        "title": shot.summary,
        "description": shot.scene.detail,
        "severity": shot.scene.severity,
        "status": status,
        "id": f"{shot.scene.name}/{shot.host}/{shot.n}",
        "timestamp": iso(shot.now),
        "triggered_at": iso(shot.started_at),
        "labels": {
            "host": shot.host,
            "service": shot.scene.service,
            "team": shot.scene.team,
            "region": shot.region,
        },
        "runbook": f"https://runbooks.example.com/{shot.scene.service}/{shot.scene.name}",
        "value": 90 + shot.n % 10,
        "dashboard": f"https://dashboards.example.com/d/{shot.scene.service}?var-host={shot.host}",
    }
    return {"User-Agent": "watchman/2.3", "X-Delivery-Id": shot.uuid("generic")}, document


def _labels(shot: Shot) -> dict[str, str]:
    return {
        "alertname": shot.scene.name,
        "instance": f"{shot.host}:9100",
        "job": shot.scene.service,
        "region": shot.region,
        "severity": shot.scene.severity,
        "shard": str(shot.n),
        "team": shot.scene.team,
    }


def _group(shot: Shot, labels: dict[str, str], alert: dict[str, Any]) -> dict[str, Any]:
    firing = shot.kind == TRIGGER
    shared = {"alertname": labels["alertname"], "team": shot.scene.team}
    return {
        "receiver": "tocsin",
        "status": "firing" if firing else "resolved",
        "alerts": [
            {
                "status": "firing" if firing else "resolved",
                "labels": labels,
                "annotations": {
                    "summary": shot.summary,
                    "description": shot.scene.detail,
                    "runbook_url": f"https://runbooks.example.com/{shot.scene.service}",
                },
                "startsAt": iso(shot.started_at),
                "endsAt": "0001-01-01T00:00:00Z" if firing else iso(shot.now),
                "fingerprint": labels_fingerprint(labels),
                **alert,
            }
        ],
        "groupLabels": shared,
        "commonLabels": labels,
        "commonAnnotations": {},
        "groupKey": f'{{}}:{{alertname="{labels["alertname"]}", team="{shot.scene.team}"}}',
        "truncatedAlerts": 0,
    }


def _alertmanager(shot: Shot) -> tuple[dict[str, str], Any]:
    url = f"http://prometheus.example.com:9090/graph?g0.expr={shot.scene.name}"
    document = _group(shot, _labels(shot), {"generatorURL": url})
    document |= {"externalURL": "http://alertmanager.example.com:9093", "version": "4"}
    return {"User-Agent": "Alertmanager/0.28.1"}, document


def _grafana(shot: Shot) -> tuple[dict[str, str], Any]:
    labels = _labels(shot) | {"alertname": shot.summary, "grafana_folder": shot.scene.team}
    base = "https://grafana.example.com"
    uid = f"rule{shot.number('rule') % 10**8}"
    alert = {
        "generatorURL": f"{base}/alerting/grafana/{uid}/view?orgId=1",
        "silenceURL": f"{base}/alerting/silence/new?alertmanager=grafana",
        "dashboardURL": f"{base}/d/{shot.scene.service}",
        "panelURL": f"{base}/d/{shot.scene.service}?viewPanel=2",
        "values": {"A": 90.5 + shot.n % 9, "C": 1} if shot.kind == TRIGGER else None,
        "orgId": 1,
        "ruleUID": uid,
    }
    state = ("FIRING", "alerting") if shot.kind == TRIGGER else ("RESOLVED", "ok")
    document = _group(shot, labels, alert)
    document |= {
        "externalURL": f"{base}/",
        "version": "1",
        "orgId": 1,
        "title": f"[{state[0]}:1] {shot.summary}",
        "state": state[1],
        "message": f"{shot.summary}\n{shot.scene.detail}",
    }
    return {"User-Agent": "Grafana"}, document


def _datadog(shot: Shot) -> tuple[dict[str, str], Any]:
    triggered = shot.kind == TRIGGER
    transition = "Triggered" if triggered else "Recovered"
    scope = f"host:{shot.host}"
    title = f"[{transition} on {{{scope}}}] {shot.summary}"
    event_id = str(shot.number(f"event-{shot.kind}") % 10**19)
    priority = {"critical": "P1", "high": "P2", "warning": "P3", "low": "P4"}
    document = {
        "id": event_id,
        "title": title,
        "text_only_body": shot.scene.detail,
        "event_type": "query_alert_monitor",
        "date": str(int(shot.now.timestamp() * 1000)),
        "link": f"https://app.datadoghq.com/event/event?id={event_id}",
        "hostname": shot.host,
        "tags": f"monitor,{scope},service:{shot.scene.service},team:{shot.scene.team},env:prod",
        "aggreg_key": f"{shot.number('aggregation'):032x}"[-32:],
        "org_name": "Example",
        "alert_id": str(shot.number("monitor") % 10**8),
        "alert_cycle_key": str(shot.number("cycle") % 10**19),
        "alert_title": title,
        "alert_transition": transition,
        "alert_type": "error" if triggered else "success",
        "alert_status": f"system.load.1 over {scope} was > 8 on average during the last 5m",
        "alert_priority": priority.get(shot.scene.severity, "P5"),
        "alert_metric": "system.load.1",
        "alert_query": "avg(last_5m):avg:system.load.1{env:prod} by {host} > 8",
        "alert_scope": scope,
    }
    return {"User-Agent": "Datadog/Webhook"}, document


def _pagerduty(shot: Shot) -> tuple[dict[str, str], Any]:
    base = "https://example.pagerduty.com"
    event = {TRIGGER: "triggered", ACKNOWLEDGE: "acknowledged", RESOLVE: "resolved"}[shot.kind]
    incident = f"Q{shot.number('incident') % 36**8:08X}"[:14]
    urgent = shot.scene.severity in ("critical", "high")

    def reference(kind: str, summary: str) -> dict[str, str]:
        identity = f"P{uuid5(NAMESPACE_URL, kind + summary).int % 10**6:06d}"
        return {
            "html_url": f"{base}/{kind}s/{identity}",
            "id": identity,
            "self": f"https://api.pagerduty.com/{kind}s/{identity}",
            "summary": summary,
            "type": f"{kind}_reference",
        }

    document = {
        "event": {
            "id": f"01{shot.number(f'event-{shot.kind}') % 36**12:024X}",
            "event_type": f"incident.{event}",
            "resource_type": "incident",
            "occurred_at": iso(shot.now),
            "agent": None if shot.kind == TRIGGER else reference("user", "Robin Okafor"),
            "client": None,
            "data": {
                "id": incident,
                "type": "incident",
                "self": f"https://api.pagerduty.com/incidents/{incident}",
                "html_url": f"{base}/incidents/{incident}",
                "number": 4000 + shot.n,
                "status": event,
                "incident_key": f"{shot.scene.name}/{shot.host}",
                "created_at": iso(shot.started_at),
                "title": shot.summary,
                "service": reference("service", shot.scene.service),
                "assignees": [reference("user", "Robin Okafor")],
                "escalation_policy": reference("escalation_policy", f"{shot.scene.team} on call"),
                "teams": [reference("team", shot.scene.team)],
                "priority": reference("priority", "P1") if urgent else None,
                "urgency": "high" if urgent else "low",
                "conference_bridge": None,
                "resolve_reason": None,
            },
        }
    }
    return {
        "User-Agent": "PagerDuty-Webhook/V3.0",
        "X-Webhook-Id": shot.uuid("pagerduty"),
    }, document


def _github(shot: Shot) -> tuple[dict[str, str], Any]:
    repository = {
        "id": shot.number("repository") % 10**9,
        "name": shot.scene.service,
        "full_name": f"example/{shot.scene.service}",
        "private": True,
        "html_url": f"https://github.com/example/{shot.scene.service}",
    }
    event = "dependabot_alert" if shot.n % 2 else "workflow_run"
    document = _dependabot(shot, repository) if shot.n % 2 else _workflow_run(shot, repository)
    document |= {"repository": repository, "sender": {"login": "robin-okafor", "type": "User"}}
    headers = {
        "User-Agent": "GitHub-Hookshot/7d2a41c",
        "X-GitHub-Event": event,
        "X-GitHub-Delivery": shot.uuid("github"),
        "X-GitHub-Hook-ID": "48151623",
    }
    return headers, document


def _workflow_run(shot: Shot, repository: Mapping[str, Any]) -> dict[str, Any]:
    run = shot.number(f"run-{shot.kind}") % 10**10
    workflow = shot.number("workflow") % 10**7
    return {
        "action": "completed",
        "workflow_run": {
            "id": run,
            "name": "deploy",
            "workflow_id": workflow,
            "run_number": 100 + shot.n,
            "run_attempt": 1,
            "event": "push",
            "status": "completed",
            "conclusion": "failure" if shot.kind == TRIGGER else "success",
            "head_branch": "main",
            "head_sha": f"{shot.number('sha'):040x}"[-40:],
            "display_title": f"Raise the limits of {shot.scene.service}",
            "html_url": f"{repository['html_url']}/actions/runs/{run}",
            "created_at": iso(shot.now - timedelta(minutes=6)),
            "run_started_at": iso(shot.now - timedelta(minutes=6)),
            "updated_at": iso(shot.now),
        },
        "workflow": {"id": workflow, "name": "deploy", "path": ".github/workflows/deploy.yml"},
    }


def _dependabot(shot: Shot, repository: Mapping[str, Any]) -> dict[str, Any]:
    fixed = shot.kind == RESOLVE
    return {
        "action": "fixed" if fixed else "created",
        "alert": {
            "number": shot.n,
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
            "html_url": f"{repository['html_url']}/security/dependabot/{shot.n}",
            "created_at": iso(shot.started_at),
            "updated_at": iso(shot.now),
            "fixed_at": iso(shot.now) if fixed else None,
            "dismissed_at": None,
        },
    }


def _standard_webhooks(shot: Shot) -> tuple[dict[str, str], Any]:
    event = {TRIGGER: "triggered", ACKNOWLEDGE: "acknowledged", RESOLVE: "resolved"}[shot.kind]
    document = {
        "type": f"alert.{event}",
        "timestamp": iso(shot.now),
        "data": {
            "id": f"alrt_{shot.number('alert') % 36**10:x}",
            "title": shot.summary,
            "description": shot.scene.detail,
            "severity": shot.scene.severity,
            "started_at": iso(shot.started_at),
            "labels": {"host": shot.host, "service": shot.scene.service, "team": shot.scene.team},
        },
    }
    return {"User-Agent": "svix-webhooks/1.62"}, document


BODIES: Final[Mapping[str, Body]] = {
    "generic": _generic,
    "alertmanager": _alertmanager,
    "datadog": _datadog,
    "github": _github,
    "grafana": _grafana,
    "pagerduty": _pagerduty,
    "standard_webhooks": _standard_webhooks,
}
