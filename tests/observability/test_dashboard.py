"""The dashboard for Grafana: complete, in the form that Grafana reads, and about metrics that exist."""

from __future__ import annotations

import json
import re
from typing import Any

import jsonschema
import pytest

from tests.observability.metrics import Metric, metrics_of
from tests.support.paths import DOCS, OBSERVABILITY

DASHBOARD = json.loads((OBSERVABILITY / "grafana-dashboard.json").read_text())
PAGE = DOCS / "operations" / "monitoring.md"
PANELS = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]

_TEXT = {"type": "string", "minLength": 1}
_SOURCE = {
    "type": "object",
    "properties": {"type": {"const": "prometheus"}, "uid": {"const": "${datasource}"}},
    "required": ["type", "uid"],
}
_PLACE = {
    "type": "object",
    "properties": {
        "x": {"type": "integer", "minimum": 0, "maximum": 23},
        "y": {"type": "integer", "minimum": 0},
        "w": {"type": "integer", "minimum": 1, "maximum": 24},
        "h": {"type": "integer", "minimum": 1},
    },
    "required": ["x", "y", "w", "h"],
}
_TARGET = {
    "type": "object",
    "properties": {
        "datasource": _SOURCE,
        "expr": _TEXT,
        "legendFormat": _TEXT,
        "refId": {"type": "string", "pattern": "^[A-Z]$"},
    },
    "required": ["datasource", "expr", "legendFormat", "refId"],
}
_PANEL = {
    "type": "object",
    "properties": {
        "id": {"type": "integer", "minimum": 1},
        "title": _TEXT,
        "gridPos": _PLACE,
        "type": {"enum": ["stat", "timeseries"]},
        "description": {"type": "string", "minLength": 20},
        "datasource": _SOURCE,
        "fieldConfig": {
            "type": "object",
            "properties": {
                "defaults": {
                    "type": "object",
                    "properties": {"unit": {"enum": ["s", "short", "reqps", "ops", "bytes"]}},
                    "required": ["unit"],
                },
                "overrides": {"type": "array"},
            },
            "required": ["defaults", "overrides"],
        },
        "options": {"type": "object"},
        "targets": {"type": "array", "minItems": 1, "items": _TARGET},
    },
    "required": [
        *("id", "title", "gridPos", "type", "description"),
        *("datasource", "fieldConfig", "options", "targets"),
    ],
}
_ROW = {
    "type": "object",
    "properties": {
        "id": {"type": "integer", "minimum": 1},
        "type": {"const": "row"},
        "title": _TEXT,
        "gridPos": _PLACE,
        "collapsed": {"const": False},
        "panels": {"const": []},
    },
    "required": ["id", "type", "title", "gridPos", "collapsed", "panels"],
}
SCHEMA = {
    "type": "object",
    "properties": {
        # What Grafana gives on import.
        "id": {"const": None},
        "uid": {"const": "tocsin"},
        "title": _TEXT,
        "description": _TEXT,
        "schemaVersion": {"type": "integer", "minimum": 36},
        "version": {"type": "integer"},
        "refresh": _TEXT,
        "time": {"type": "object", "required": ["from", "to"]},
        "panels": {"type": "array", "minItems": 1, "items": {"oneOf": [_ROW, _PANEL]}},
        "templating": {
            "type": "object",
            "properties": {
                "list": {
                    "type": "array",
                    "items": {"type": "object", "required": ["name", "label", "type", "query"]},
                }
            },
            "required": ["list"],
        },
    },
    "required": [
        *("id", "uid", "title", "description", "schemaVersion", "version"),
        *("refresh", "time", "panels", "templating"),
    ],
}
"""Of the classic model, what this dashboard must have; everything Grafana can import has more."""


def queries(panel: dict[str, Any]) -> list[str]:
    return [target["expr"] for target in panel["targets"]]


def test_it_has_the_form_that_grafana_reads() -> None:
    jsonschema.validate(DASHBOARD, SCHEMA)


@pytest.mark.parametrize("part", ["description", "title", "targets", "fieldConfig"])
def test_the_schema_misses_what_is_left_out(part: str) -> None:
    without = {name: value for name, value in PANELS[0].items() if name != part}
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**DASHBOARD, "panels": [without]}, SCHEMA)


def test_no_panel_stands_upon_another_or_has_the_name_of_another() -> None:
    taken: set[tuple[int, int]] = set()
    for panel in DASHBOARD["panels"]:
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= 24, panel["title"]
        own = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not own & taken, panel["title"]
        taken |= own
    for name in ("id", "title"):
        values = [panel[name] for panel in DASHBOARD["panels"]]
        assert len(set(values)) == len(values)


def test_variables_that_are_used_are_there() -> None:
    builtin = {"__rate_interval"}
    named = {variable["name"] for variable in DASHBOARD["templating"]["list"]}
    used = set(re.findall(r"\$\{?(\w+)\}?", " ".join(q for p in PANELS for q in queries(p))))
    assert used - builtin <= named
    assert "datasource" in named


@pytest.mark.parametrize("panel", PANELS, ids=lambda panel: str(panel["title"]))
def test_a_panel_asks_for_what_is_exposed(
    panel: dict[str, Any], exposed: dict[str, Metric]
) -> None:
    for query in queries(panel):
        for name, labels in metrics_of(query):
            assert name in exposed, query
            assert labels <= exposed[name].labels, query


def test_every_metric_has_its_panel(exposed: dict[str, Metric]) -> None:
    shown = {exposed[name].family for p in PANELS for q in queries(p) for name, _ in metrics_of(q)}
    assert {metric.family for metric in exposed.values()} == shown


def test_every_metric_is_documented(exposed: dict[str, Metric]) -> None:
    described = set(re.findall(r"^\| `(tocsin_\w+)` \|", PAGE.read_text(), re.MULTILINE))
    assert described == {metric.family for metric in exposed.values()}
