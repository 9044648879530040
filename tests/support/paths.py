"""Where things lie in the repository."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
SAMPLES = ROOT / "tests/ingest/sources/samples"
"""Payloads by source: `<type>/<what>.json`."""
OBSERVABILITY = ROOT / "observability"
"""Alert rules and a dashboard, for those who watch Tocsin."""
