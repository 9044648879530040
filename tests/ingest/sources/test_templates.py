"""What our pages ask people to paste is what the sources read: each template is filled in as its tool
would, and parsed."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from tests.ingest.sources.sample_files import context
from tests.support.paths import DOCS
from tocsin.ingest.sources.kit.decode import decode
from tocsin.ingest.sources.registry import SOURCES
from tocsin.model import Severity, Signal, SignalKind


def template(type_: str) -> str:
    page = (DOCS / "sources" / f"{type_}.md").read_text(encoding="utf-8")
    (found,) = re.findall(r"```\w+ template\n(.*?)```", page, re.DOTALL)
    return found


def parsed(type_: str, variable: str, value_of: Callable[[str], str]) -> Signal:
    """The signal of a page's template with every variable replaced. `variable`: with one group, the
    name."""
    body = re.sub(variable, lambda found: value_of(found[1]), template(type_))
    (signal,) = SOURCES[type_].parse(decode(body.encode(), "application/json"), context())
    return signal


def known(values: dict[str, str], absent: str) -> Callable[[str], str]:
    return lambda name: values.get(name, absent)


def test_zabbix() -> None:
    values = {
        "EVENT.ID": "7",
        "EVENT.NAME": "Disk full",
        "EVENT.VALUE": "1",
        "EVENT.SOURCE": "0",
        "EVENT.UPDATE.STATUS": "0",
        "EVENT.NSEVERITY": "5",
        "EVENT.TIMESTAMP": "1772355600",
        "HOST.NAME": "db-1",
        "EVENT.TAGSJSON": r"[{\"tag\":\"team\",\"value\":\"dba\"}]",
    }
    signal = parsed("zabbix", r"\{([A-Z.]+)\}", known(values, "*UNKNOWN*"))
    assert (signal.kind, signal.external_id, signal.title) == (SignalKind.TRIGGER, "7", "Disk full")
    assert (signal.severity, signal.flags) == (Severity.CRITICAL, ())
    assert signal.labels == {"team": "dba", "host": "db-1"}
    assert signal.triggered_at is not None
    ended = parsed("zabbix", r"\{([A-Z.]+)\}", known(values | {"EVENT.VALUE": "0"}, "*UNKNOWN*"))
    assert (ended.kind, ended.external_id) == (SignalKind.RESOLVE, "7")


@pytest.mark.parametrize(
    ("state", "acknowledged_at", "kind"),
    [
        ("ACTIVATED", "null", SignalKind.TRIGGER),
        ("ACTIVATED", "1772355900000", SignalKind.ACKNOWLEDGE),
        ("CLOSED", "1772355900000", SignalKind.RESOLVE),
    ],
)
def test_newrelic(state: str, acknowledged_at: str, kind: SignalKind) -> None:
    values: dict[str, Any] = {
        "issueId": '"i7"',
        "annotations.title.[0]": '"Disk full"',
        "priority": '"HIGH"',
        "state": f'"{state}"',
        "createdAt": "1772355600000",
        "updatedAt": "1772355660000",
        "acknowledgedAt": acknowledged_at,
        "entitiesData.names": '["db-1"]',
    }
    signal = parsed("newrelic", r"\{\{ (?:json )?(.+?) \}\}", known(values, "null"))
    assert (signal.kind, signal.external_id, signal.title) == (kind, "i7", "Disk full")
    assert (signal.severity, signal.flags) == (Severity.HIGH, ())
    assert signal.labels == {"entity": "db-1"}


def test_elastic_kibana() -> None:
    values = {
        "rule.id": "r1",
        "rule.name": "Disk full",
        "alert.id": "db-1",
        "alert.actionGroup": "recovered",
        "date": "2026-03-01T09:00:00.000Z",
    }
    signal = parsed("elastic_kibana", r"\{\{(.+?)\}\}", known(values, ""))
    assert (signal.kind, signal.external_id) == (SignalKind.RESOLVE, "r1/db-1")
    assert (signal.title, signal.severity, signal.flags) == ("Disk full", Severity.CRITICAL, ())


@pytest.mark.parametrize(("number", "kind"), [("1", SignalKind.TRIGGER), ("2", SignalKind.RESOLVE)])
def test_uptimerobot(number: str, kind: SignalKind) -> None:
    values = {
        "monitorID": "7",
        "monitorFriendlyName": "Shop",
        "alertType": number,
        "alertDateTime": "1772355600",
    }
    signal = parsed("uptimerobot", r"\*(\w+)\*", lambda name: values.get(name, f"*{name}*"))
    assert (signal.kind, signal.external_id, signal.title) == (kind, "7", "Shop")
    assert signal.occurred_at is not None
    assert (signal.description, signal.flags) == (None, ())


@pytest.mark.parametrize(
    ("status", "kind"), [("down", SignalKind.TRIGGER), ("up", SignalKind.RESOLVE)]
)
def test_healthchecks(status: str, kind: SignalKind) -> None:
    values = {
        "CODE": "c-7",
        "STATUS": status,
        "NOW": "2026-03-01T09:00:00+00:00",
        "JSON": '{"name": "Backup \\"nightly\\"", "tags": "severity:low"}',
        "EXITSTATUS": "",
    }
    signal = parsed("healthchecks", r"\$([A-Z]+)", known(values, ""))
    assert (signal.kind, signal.external_id, signal.title) == (kind, "c-7", 'Backup "nightly"')
    assert (signal.severity, signal.flags) == (Severity.LOW, ())
