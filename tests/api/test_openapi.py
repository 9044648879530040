"""The OpenAPI document and the server say the same."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.api import everything
from tests.api.conftest import Hub
from tests.support.paths import ROOT


def test_it_is_public_and_names_what_every_operation_needs(hub: Hub) -> None:
    answer = hub.nobody.get("/openapi.json")
    assert answer.status == 200
    document = answer.json()
    assert document["openapi"].startswith("3.1")
    assert document["servers"] == [{"url": "/api/v1"}]
    seen = set()
    for method, path, operation in everything.operations(document):
        assert operation["operationId"] not in seen
        seen.add(operation["operationId"])
        statuses = operation["responses"].keys()
        assert {"401", "405", "500", "503"} <= statuses, (method, path)
        assert ("403" in statuses) == (operation["x-required-role"] != "viewer"), path
        for status, response in operation["responses"].items():
            if status >= "400":
                assert list(response["content"]) == ["application/problem+json"], (path, status)


def test_every_example_is_accepted(hub: Hub) -> None:
    document = hub.admin.get("/openapi.json").json()
    ids = everything.make(hub, hub.admin)
    for method, template, operation in everything.operations(document):
        if "requestBody" in operation:
            body = everything.example_body(document, operation)
            answer = hub.admin.request(method, template.format(**ids), body)
            assert answer.status < 300, (method, template, answer)


def _schemathesis(hub: Hub, folder: Path, *arguments: str) -> None:
    finished = subprocess.run(
        [
            str(Path(sys.executable).parent / "schemathesis"),
            f"--config-file={ROOT / 'schemathesis.toml'}",
            "run",
            f"{hub.admin.base_url}/openapi.json",
            f"--header=Authorization: Bearer {hub.admin.key}",
            "--checks=all",
            "--no-color",
            *arguments,
        ],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert finished.returncode == 0, finished.stdout[-8000:] + finished.stderr[-2000:]


@pytest.mark.timeout(300)
def test_schemathesis_finds_no_fault(hub: Hub, tmp_path: Path) -> None:
    everything.make(hub, hub.admin)
    _schemathesis(
        hub, tmp_path, "--phases=examples,fuzzing,stateful", "--max-examples=4", "--seed=1"
    )


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_schemathesis_finds_no_fault_however_long_it_looks(hub: Hub, tmp_path: Path) -> None:
    everything.make(hub, hub.admin)
    _schemathesis(hub, tmp_path, "--max-examples=200")
