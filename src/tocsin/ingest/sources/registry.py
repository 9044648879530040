"""Every source Tocsin knows, and how a webhook delivery is named.

Adding one: write `<tool>.py` with a class, list it here; docs/sources/adding-a-source.md has the
checklist.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from tocsin.ingest.sources.alertmanager import Alertmanager
from tocsin.ingest.sources.argocd import ArgoCD
from tocsin.ingest.sources.aws_sns_cloudwatch import AwsSnsCloudWatch
from tocsin.ingest.sources.azure_monitor import AzureMonitor
from tocsin.ingest.sources.base import Source
from tocsin.ingest.sources.checkmk import Checkmk
from tocsin.ingest.sources.circleci import CircleCI
from tocsin.ingest.sources.cloudflare import Cloudflare
from tocsin.ingest.sources.datadog import Datadog
from tocsin.ingest.sources.dynatrace import Dynatrace
from tocsin.ingest.sources.elastic_kibana import ElasticKibana
from tocsin.ingest.sources.email import Email
from tocsin.ingest.sources.gcp_monitoring import GcpMonitoring
from tocsin.ingest.sources.generic import Generic
from tocsin.ingest.sources.github import GitHub
from tocsin.ingest.sources.gitlab import GitLab
from tocsin.ingest.sources.grafana import Grafana
from tocsin.ingest.sources.healthchecks import Healthchecks
from tocsin.ingest.sources.heartbeat import HeartbeatSource
from tocsin.ingest.sources.honeycomb import Honeycomb
from tocsin.ingest.sources.icinga import Icinga
from tocsin.ingest.sources.jenkins import Jenkins
from tocsin.ingest.sources.jira import Jira
from tocsin.ingest.sources.kit.storable import clean_text
from tocsin.ingest.sources.librenms import LibreNMS
from tocsin.ingest.sources.nagios import Nagios
from tocsin.ingest.sources.netdata import Netdata
from tocsin.ingest.sources.newrelic import NewRelic
from tocsin.ingest.sources.opsgenie import Opsgenie
from tocsin.ingest.sources.opsgenie_webhook import OpsgenieWebhook
from tocsin.ingest.sources.pagerduty import PagerDuty
from tocsin.ingest.sources.pagerduty_events import PagerDutyEvents
from tocsin.ingest.sources.prometheus import Prometheus
from tocsin.ingest.sources.prtg import Prtg
from tocsin.ingest.sources.sentry import Sentry
from tocsin.ingest.sources.site24x7 import Site24x7
from tocsin.ingest.sources.splunk import Splunk
from tocsin.ingest.sources.standard_webhooks import StandardWebhooks
from tocsin.ingest.sources.statuscake import StatusCake
from tocsin.ingest.sources.sumologic import SumoLogic
from tocsin.ingest.sources.uptime_kuma import UptimeKuma
from tocsin.ingest.sources.uptimerobot import UptimeRobot
from tocsin.ingest.sources.wazuh import Wazuh
from tocsin.ingest.sources.zabbix import Zabbix

_ALL: Final[tuple[Source, ...]] = (
    Generic(),
    Alertmanager(),
    Datadog(),
    GitHub(),
    Grafana(),
    PagerDuty(),
    StandardWebhooks(),
    Zabbix(),
    AwsSnsCloudWatch(),
    AzureMonitor(),
    GcpMonitoring(),
    NewRelic(),
    Sentry(),
    ElasticKibana(),
    UptimeKuma(),
    UptimeRobot(),
    StatusCake(),
    Healthchecks(),
    HeartbeatSource(),
    GitLab(),
    Splunk(),
    OpsgenieWebhook(),
    PagerDutyEvents(),
    Prometheus(),
    Opsgenie(),
    Email(),
    Nagios(),
    Icinga(),
    Checkmk(),
    Cloudflare(),
    CircleCI(),
    Honeycomb(),
    Jenkins(),
    Netdata(),
    LibreNMS(),
    Wazuh(),
    ArgoCD(),
    Prtg(),
    Site24x7(),
    SumoLogic(),
    Dynatrace(),
    Jira(),
)

SOURCES: Final[Mapping[str, Source]] = MappingProxyType({source.type: source for source in _ALL})

KEY_HEADERS: Final = ("idempotency-key", "x-delivery-id", "x-request-id", "webhook-id")
"""Looked at, in this order, after the source's own."""

KEY_LIMIT: Final = 255


def get(type: str) -> Source | None:
    """The source of an integration's `type`; None if this version does not know it."""
    return SOURCES.get(type)


def idempotency_key(source: Source, headers: Mapping[str, str], payload: Any) -> str | None:
    """The sender's name for this delivery: the source's own header, its field in the body, else
    the usual headers. A blank value names nothing; one of more than 255 characters is replaced by
    its SHA-256 in hex."""
    key = None
    for name in source.key_headers:
        if name in headers and (key := headers[name].strip()):
            break
    if not key:
        key = source.delivery_key(payload)
    if not key:
        for name in KEY_HEADERS:
            if name in headers and (key := headers[name].strip()):
                break
    if not key:
        return None
    if len(key) > KEY_LIMIT:
        return hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()
    if key.isascii() and "\0" not in key:
        return key
    return clean_text(key, KEY_LIMIT)[0]
