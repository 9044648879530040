"""Wazuh, integration of one's own: an alert as Wazuh writes it, posted by the script of our page
(docs/sources/wazuh.md).

A rule that fires says what happened and never that it is over, so an alert is one rule on one agent,
whatever often it fires. Only whether an agent is connected has an end.

Reference: wazuh/wazuh, integrations/, ruleset/rules/0015-ossec_rules.xml.
"""

from __future__ import annotations

from typing import Any, ClassVar, Final

from tocsin.ingest.proof.scheme import Scheme
from tocsin.ingest.sources.base import BaseSource, Context
from tocsin.ingest.sources.kit.decode import InvalidPayload
from tocsin.ingest.sources.kit.make_signal import make_signal, moment
from tocsin.ingest.sources.kit.presets import BEARER
from tocsin.ingest.sources.kit.reading import (
    object_of,
    present,
    require_object,
    require_text,
    text_of,
    wrong_type,
)
from tocsin.ingest.sources.kit.template import title_or
from tocsin.model import Severity, Signal, SignalKind

_AGENT_STARTED: Final = "503"
_AGENT_GONE: Final = frozenset(("504", "506"))
# From this level on, as Wazuh's own dashboard has it; below are the levels of what is quite normal.
_LEVELS: Final = (
    (15, Severity.CRITICAL),
    (12, Severity.HIGH),
    (7, Severity.MEDIUM),
    (4, Severity.LOW),
    (0, Severity.INFO),
)
_MAX_NAMES: Final = 20


class Wazuh(BaseSource):
    type: ClassVar[str] = "wazuh"
    title: ClassVar[str] = "Wazuh"
    preset: ClassVar[Scheme] = BEARER

    def parse(self, payload: Any, context: Context) -> list[Signal]:
        document = require_object(payload, "a Wazuh alert")
        rule = document.get("rule")
        if not isinstance(rule, dict):
            raise InvalidPayload([wrong_type("/rule", "an object", rule)])
        number = require_text(rule.get("id"), "/rule/id", "the rule's id is required")
        agent = object_of(document.get("agent"))
        manager = text_of(object_of(document.get("manager")).get("name"))
        host = text_of(agent.get("name"))
        about = text_of(agent.get("id")) or host or "000"
        flags: list[str] = []
        what = title_or(f"Wazuh rule {number}", flags, rule.get("description"))
        at = moment(document.get("timestamp"), context, flags)
        return [
            make_signal(
                SignalKind.RESOLVE if number == _AGENT_STARTED else SignalKind.TRIGGER,
                "/".join(part for part in (manager, about, _identity(number)) if part),
                f"{what} on {host}" if host else what,
                flags=flags,
                severity=_severity(rule.get("level"), flags),
                description=text_of(document.get("full_log")),
                triggered_at=None if number == _AGENT_STARTED else at,
                occurred_at=at,
                labels=_labels(document, rule, number, host, manager),
                metadata=_metadata(document, rule, agent),
            )
        ]

    def delivery_key(self, payload: Any) -> str | None:
        return text_of(object_of(payload).get("id"))


def _identity(number: str) -> str:
    is_connection = number == _AGENT_STARTED or number in _AGENT_GONE
    return "connection" if is_connection else number


def _severity(level: Any, flags: list[str]) -> Severity | None:
    text = text_of(level) or ""
    if not (text.isascii() and text.isdigit() and len(text) <= 3):
        if level is not None:
            flags.append("unknown_severity")
        return None
    return next(severity for least, severity in _LEVELS if int(text) >= least)


def _labels(
    document: dict[str, Any],
    rule: dict[str, Any],
    number: str,
    host: str | None,
    manager: str | None,
) -> dict[str, Any]:
    return present(
        {
            "host": host,
            "rule": number,
            "groups": ",".join(_names(rule.get("groups"))),
            "mitre": ",".join(_names(object_of(rule.get("mitre")).get("id"))),
            "manager": manager,
            "location": text_of(document.get("location")),
        }
    )


def _metadata(
    document: dict[str, Any], rule: dict[str, Any], agent: dict[str, Any]
) -> dict[str, Any]:
    return present(
        {
            "id": text_of(document.get("id")),
            "level": rule.get("level"),
            "fired_times": rule.get("firedtimes"),
            "agent_id": text_of(agent.get("id")),
            "agent_ip": text_of(agent.get("ip")),
            "decoder": text_of(object_of(document.get("decoder")).get("name")),
            "source_ip": text_of(object_of(document.get("data")).get("srcip")),
            "path": text_of(object_of(document.get("syscheck")).get("path")),
        }
    )


def _names(value: Any) -> list[str]:
    texts = (text_of(item) for item in (value[:_MAX_NAMES] if isinstance(value, list) else ()))
    return [text for text in texts if text]
