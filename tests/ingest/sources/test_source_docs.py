"""The pages about sources say what the code does."""

from __future__ import annotations

import re

import msgspec
import pytest

from tests.ingest.sources.sample_files import context
from tests.support.paths import DOCS
from tocsin.ingest.sources.kit.mapping import validate_mapping
from tocsin.ingest.sources.registry import SOURCES
from tocsin.model import AuthScheme, Severity, SignalKind


def blocks(name: str, kind: str) -> list[bytes]:
    text = (DOCS / "sources" / f"{name}.md").read_text(encoding="utf-8")
    return [found.encode() for found in re.findall(rf"```json {kind}\n(.*?)```", text, re.DOTALL)]


@pytest.mark.parametrize("type_", sorted(SOURCES))
def test_every_source_has_a_page_that_the_index_names(type_: str) -> None:
    page = (DOCS / "sources" / f"{type_}.md").read_text(encoding="utf-8")
    assert f"[`{type_}`]({type_}.md)" in (DOCS / "sources" / "index.md").read_text(encoding="utf-8")
    preset = SOURCES[type_].preset
    if preset.auth_scheme is AuthScheme.URL:
        assert "/webhooks/<integration id>/<secret>" in page
    elif type_ != "github" and type_ != "pagerduty":  # there the header is fixed and never typed
        assert preset.signature_header in page
    if preset.auth_scheme is AuthScheme.TOKEN:
        assert (preset.signature_prefix or "").strip() in page


@pytest.mark.parametrize("type_", sorted(SOURCES))
def test_the_payloads_shown_become_alerts_without_doubt(type_: str) -> None:
    shown = blocks(type_, "payload")
    assert shown or type_ == "datadog"
    for payload in shown:
        signals = SOURCES[type_].parse(msgspec.json.decode(payload), context())
        assert signals
        assert all(signal.flags == () for signal in signals)


def test_the_template_for_datadog_is_what_the_source_reads() -> None:
    (template,) = blocks("datadog", "template")
    values = {
        "$ALERT_TRANSITION": "Recovered",
        "$ALERT_PRIORITY": "P2",
        "$DATE": "1772352000000",
        "$TAGS": "env:prod",
        "$ALERT_TITLE": "[Recovered on {host:a}] Load",
    }
    rendered = {
        name: values.get(variable, variable.strip("$").lower())
        for name, variable in msgspec.json.decode(template).items()
    }
    source = SOURCES["datadog"]
    (signal,) = source.parse(rendered, context())
    assert (signal.external_id, signal.title) == ("alert_cycle_key", "Load")
    assert signal.severity is Severity.HIGH
    assert signal.labels == {"env": "prod", "host": "hostname", "org": "org_name"}
    assert signal.flags == ()
    assert source.delivery_key(rendered) == "id"
    unread = set(rendered) - set(signal.metadata)
    assert unread == {
        *("id", "title", "text_only_body", "date", "org_name", "alert_cycle_key", "alert_title"),
    }


def test_the_mapping_shown_does_what_the_page_says() -> None:
    (document,) = (msgspec.json.decode(block) for block in blocks("generic", "mapping"))
    (payload,) = (msgspec.json.decode(block) for block in blocks("generic", "mapped"))
    assert validate_mapping(document) == []
    (signal,) = SOURCES["generic"].parse(payload, context(mapping=document))
    assert (signal.external_id, signal.severity) == ("db-1/disk", Severity.CRITICAL)
    assert signal.labels == {"host": "db-1", "site": "Oslo"}


def test_the_mapping_shown_for_mail_tells_problems_apart() -> None:
    (document,) = (msgspec.json.decode(block) for block in blocks("email", "mapping"))
    assert validate_mapping(document) == []
    mail = {"from_name": "UPS", "subject": "BEHOBEN: Meldung", "text": "Batterie 3"}
    (signal,) = SOURCES["email"].parse(mail, context(mapping=document))
    assert (signal.kind, signal.external_id) == (SignalKind.RESOLVE, "Batterie 3")
    assert signal.title == "UPS: BEHOBEN: Meldung"


def test_links_between_the_pages_lead_somewhere() -> None:
    for page in (DOCS / "sources").glob("*.md"):
        for target in re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text(encoding="utf-8")):
            assert (page.parent / target).exists(), (page.name, target)
