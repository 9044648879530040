"""What `pip install` brings: built, put into an empty environment, and used from there."""

from __future__ import annotations

import re
import sys
import tarfile
import urllib.request
import zipfile
from pathlib import Path

import pytest

from tests.cli.program import Program
from tests.install.packages import UV, Packages, run
from tests.support.paths import ROOT

ASSETS = ROOT / "src" / "tocsin" / "console" / "assets"


@pytest.fixture(scope="module")
def installed(packages: Packages, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the programs of an environment in which there is nothing else."""
    place = tmp_path_factory.mktemp("venv")
    run(UV, "venv", "--quiet", "--python", sys.executable, place)
    run(
        *(UV, "pip", "install", "--quiet", "--python", place / "bin" / "python"),
        *("--constraint", ROOT / "requirements.lock", packages.wheel),
    )
    return place / "bin"


def _built() -> set[str]:
    return {each.name for each in (ASSETS / "dist").glob("*")}


def test_the_wheel_has_what_runs_and_nothing_that_only_builds(packages: Packages) -> None:
    with zipfile.ZipFile(packages.wheel) as wheel:
        names = set(wheel.namelist())
    for needed in (
        "tocsin/store/schema.json",
        "tocsin/store/sql/claim_deliveries.sql",
        "tocsin/store/migrations/versions/0001_schema.sql",
        "tocsin/console/guides/generic.md",
        "tocsin/console/templates/console/base.html",
        "tocsin/py.typed",
    ):
        assert needed in names, needed
    assert any(name.endswith("licenses/LICENSE") for name in names)
    assets = {name for name in names if name.startswith("tocsin/console/assets/")}
    built = {f"tocsin/console/assets/dist/{name}" for name in _built()}
    assert {name for name in assets if not name.endswith(".py")} == built
    assert not [name for name in names if name.startswith(("tests/", "bench/", "src/"))]


def test_the_source_distribution_carries_the_built_assets(packages: Packages) -> None:
    with tarfile.open(packages.source) as source:
        names = {name.partition("/")[2] for name in source.getnames()}
    assert {f"src/tocsin/console/assets/dist/{name}" for name in _built()} <= names
    assert {"docs/sources/generic.md", "README.md", "LICENSE", "CHANGELOG.md"} <= names
    assert {"observability/prometheus-rules.yml", "observability/grafana-dashboard.json"} <= names
    assert not [name for name in names if "node_modules" in name or ".venv" in name]


def test_it_runs_where_nothing_else_is_installed(installed: Path, tmp_path: Path) -> None:
    settings = {"TOCSIN_DATA_DIR": str(tmp_path / "data"), "TOCSIN_PORT": "0"}
    program = Program(settings, executable=installed / "tocsin")
    with program.running("serve") as hub:
        base_url = hub.await_line(r"http://127\.0\.0\.1:\d+")[0]
        page = urllib.request.urlopen(f"{base_url}/login", timeout=30).read().decode()
        loaded = set(re.findall(r'(?:href|src)="/static/([^"]+)"', page))
        assert bool(loaded) == bool(_built())
        for name in loaded:
            assert urllib.request.urlopen(f"{base_url}/static/{name}", timeout=30).status == 200
        made = program.run("integration", "create", "first", "--type", "grafana")
        assert made.code == 0, made.err
        assert f"{base_url}/webhooks/" in made.out
        assert hub.stop() == 0
    guide = "from tocsin.console.integrations.setup_guides import tool_name; print(tool_name('grafana'))"
    assert run(installed / "python", "-c", guide).strip() == "Grafana Alerting"
