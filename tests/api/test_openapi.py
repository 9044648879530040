"""The OpenAPI document and the server say the same."""

from __future__ import annotations

import importlib
import json
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
        # What a person does with their own things takes no role, but that person.
        of_people = operation["tags"][0] in ("users", "contact-methods", "me", "invitations")
        needs_role = operation["x-required-role"] != "viewer"
        assert ("403" in statuses) == needs_role or (of_people and not needs_role), path
        for status, response in operation["responses"].items():
            if status >= "400":
                assert list(response["content"]) == ["application/problem+json"], (path, status)


OF_ONES_OWN = ("/me", "/me/api-keys", "/contact-methods/{contact_method_id}/verify")
"""They take an API key of a person's own."""

ANSWERED_OTHERWISE = {
    "/contact-methods/{contact_method_id}/verify": "wrong-code",
    "/invitations/accept": "not-found",
    "/sign-in-links": "forbidden",
    "/integrations/{integration_id}/mapping/suggest": "validation-failed",
}
"""Examples cannot name what was sent or shown once, are refused over the network, or are for sources
that take a mapping, which the integration made here does not; answered so."""


def test_every_example_is_accepted(hub: Hub) -> None:
    document = hub.admin.get("/openapi.json").json()
    ids = everything.make(hub, hub.admin)
    person = hub.person(ids["user_id"])
    for method, template, operation in everything.operations(document):
        if "requestBody" in operation:
            body = everything.example_body_with(ids, document, operation)
            client = person if template in OF_ONES_OWN else hub.admin
            answer = client.request(method, template.format(**ids), body)
            if template in ANSWERED_OTHERWISE:
                assert answer.slug == ANSWERED_OTHERWISE[template], answer
            else:
                assert answer.status < 300, (method, template, answer)


def test_a_client_is_generated_whole_and_works(
    hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a generator leaves out or spells twice is our document's fault, not its user's."""
    ids = everything.make(hub, hub.admin)
    document = hub.nobody.get("/openapi.json").json()
    (tmp_path / "openapi.json").write_text(json.dumps(document))
    (tmp_path / "generator.yml").write_text("post_hooks: []\n")
    finished = subprocess.run(
        [
            str(Path(sys.executable).parent / "openapi-python-client"),
            "generate",
            *("--path", "openapi.json", "--output-path", "generated_tocsin", "--meta", "none"),
            *("--config", "generator.yml", "--fail-on-warning"),
        ],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert finished.returncode == 0, finished.stdout[-4000:] + finished.stderr[-2000:]
    monkeypatch.syspath_prepend(tmp_path)
    for _, _, operation in everything.operations(document):
        tag = operation["tags"][0].replace("-", "_").replace(" ", "_").lower()
        importlib.import_module(f"generated_tocsin.api.{tag}.{operation['operationId']}")
    client = importlib.import_module("generated_tocsin").AuthenticatedClient(
        base_url=hub.admin.base_url, token=hub.admin.key
    )
    listing = importlib.import_module("generated_tocsin.api.alert_destinations")
    listed = importlib.import_module(f"{listing.__name__}.list_alert_destinations")
    found = listed.sync(client=client)
    assert ids["alert_destination_id"] in [str(each.id) for each in found.items]


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
