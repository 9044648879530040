"""The API for people: everything there is, on pages that need no key, no scripts and no other host."""

from __future__ import annotations

import json
import re
import shlex
from typing import Any

import httpx
import pytest

from tests.api.conftest import Hub
from tocsin.api import reference_pages
from tocsin.api.examples import curl_of
from tocsin.api.schema_words import prose, type_of


@pytest.fixture
def document(hub: Hub) -> dict[str, Any]:
    found: dict[str, Any] = hub.nobody.get("/openapi.json").json()
    return found


def test_every_operation_has_its_place(document: dict[str, Any]) -> None:
    found = reference_pages.resources(document)
    index = reference_pages.index(document)
    for resource, operations in found.items():
        page = reference_pages.page(document, resource)
        assert page is not None
        for path, method, operation in operations:
            place = f"{reference_pages.PATH}/{resource}#{operation['operationId']}"
            assert f'href="{place}"' in index
            assert f'id="{operation["operationId"]}"' in page
            assert f"<code>{method} /api/v1{path}</code>" in page
    assert sum(map(len, found.values())) == sum(map(len, document["paths"].values()))


def test_what_a_page_points_at_is_there(document: dict[str, Any]) -> None:
    for resource in reference_pages.resources(document):
        page = reference_pages.page(document, resource) or ""
        places = set(re.findall(r'id="([^"]+)"', page))
        for target in re.findall(r'href="([^"]+)"', page):
            path, _, place = target.partition("#")
            if path in ("", f"{reference_pages.PATH}/{resource}"):
                assert place in places, target
            else:
                assert path.startswith(("/problems/", reference_pages.PATH)), target
        # Nothing is fetched for it, from here or elsewhere.
        assert not re.search(r"<(script|img|link|iframe)|src=", page)


def test_every_example_is_a_request_that_a_shell_understands(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    for operations in reference_pages.resources(document).values():
        for path, method, operation in operations:
            words = shlex.split(curl_of(path, method, operation, schemas).replace("\\\n", " "))
            assert words[0] == "curl"
            assert not re.search(r"[{}]", next(w for w in words if w.startswith("$TOCSIN/")))
            if "-d" in words:
                json.loads(words[words.index("-d") + 1])


def test_it_is_served_without_a_key(hub: Hub) -> None:
    base_url = hub.admin.base_url.removesuffix("/api/v1")

    def get(path: str) -> httpx.Response:
        return httpx.get(f"{base_url}{path}", trust_env=False)

    index = get("/api/v1/docs")
    assert index.status_code == 200
    assert "default-src 'none'" in index.headers["content-security-policy"]
    assert "Acknowledge" in get("/api/v1/docs/alerts").text
    assert get("/api/v1/docs/nothing").status_code == 404
    assert httpx.post(f"{base_url}/api/v1/docs", trust_env=False).status_code == 405
    # Beside it the gate is where it was.
    assert get("/api/v1/alerts").status_code == 401


def test_text_of_others_is_text() -> None:
    said = prose("See `<b>` and [all](/problems/), or <script>.\n\nMore")
    assert said == (
        '<p>See <code>&lt;b&gt;</code> and <a href="/problems/">all</a>, or &lt;script&gt;.</p>'
        "<p>More</p>"
    )
    assert prose("[elsewhere](https://example.org)") == "<p>[elsewhere](https://example.org)</p>"


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        ({"type": "string", "format": "date-time"}, "date time"),
        ({"anyOf": [{"type": "integer"}, {"type": "null"}]}, "integer or null"),
        ({"type": "array", "items": {"const": "a<b"}}, "list of <code>a&lt;b</code>"),
        ({"$ref": "#/components/schemas/Rule"}, '<a href="#shape-Rule">Rule</a>'),
        ({}, "anything"),
    ],
)
def test_types_are_said_in_words(schema: dict[str, Any], words: str) -> None:
    assert type_of(schema) == words
