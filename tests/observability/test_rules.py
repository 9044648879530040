"""The alert rules for Prometheus: sound, firing when they should, and each of them explained."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest

from tests.docs.test_reference import anchors
from tests.observability.metrics import Metric, metrics_of
from tests.observability.test_dashboard import PANELS, queries
from tests.support.paths import OBSERVABILITY, ROOT
from tests.support.programs import program_of

RULES = OBSERVABILITY / "prometheus-rules.yml"
TESTS = OBSERVABILITY / "prometheus-rules-test.yml"

_RULE = re.compile(
    r"^      - alert: (?P<name>\w+)\n        expr: (?P<expr>.*?)\n        (?:for|labels):",
    re.MULTILINE | re.DOTALL,
)
ALERTS = {found["name"]: found["expr"] for found in _RULE.finditer(RULES.read_text())}


def promtool(*words: str | Path) -> None:
    done = subprocess.run(
        [program_of("promtool"), *words], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_prometheus_takes_them() -> None:
    promtool("check", "rules", "--lint-fatal", RULES)


def test_they_fire_when_they_should_and_only_then() -> None:
    promtool("test", "rules", TESTS)


def test_each_is_seen_to_fire() -> None:
    said = TESTS.read_text()
    assert len(ALERTS) == RULES.read_text().count("- alert:")
    for name in ALERTS:
        assert name in said, name


@pytest.mark.parametrize("name", ALERTS)
def test_a_rule_asks_for_what_is_exposed(name: str, exposed: dict[str, Metric]) -> None:
    for metric, labels in metrics_of(ALERTS[name]):
        assert metric in exposed
        assert labels <= exposed[metric].labels


def test_each_has_a_section_that_its_runbook_names() -> None:
    text = RULES.read_text()
    runbooks = re.findall(r"runbook: (\S+)#(\S+)", text)
    assert [anchor for _, anchor in runbooks] == [name.lower() for name in ALERTS]
    for page, anchor in runbooks:
        assert anchor in anchors(ROOT / page), anchor


def test_prometheus_understands_what_the_panels_ask(tmp_path: Path) -> None:
    rules = [
        {"record": f"panel:{number}", "expr": query.replace("$__rate_interval", "5m")}
        for number, query in enumerate(query for panel in PANELS for query in queries(panel))
    ]
    # JSON is YAML.
    (tmp_path / "panels.yml").write_text(json.dumps({"groups": [{"name": "all", "rules": rules}]}))
    promtool("check", "rules", tmp_path / "panels.yml")
