"""The API for people, at /api/v1/docs: a page for each resource, made of the OpenAPI document.

It needs no key, no scripts and no other host, so that it can be read wherever the server runs.
"""

from __future__ import annotations

from collections.abc import Callable
from html import escape
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from tocsin.api.examples import curl_of
from tocsin.api.plain_page import plain_page
from tocsin.api.problem_answers import problem_response
from tocsin.api.schema_words import fields_table, names_in, prose, type_of, with_default

PATH = "/api/v1/docs"
_SERVER = "/api/v1"

Document = dict[str, Any]
Operation = tuple[str, str, dict[str, Any]]
"""Path, method, and what the document says."""


def resources(document: Document) -> dict[str, list[Operation]]:
    """All operations by resource, in the order of the document."""
    found: dict[str, list[Operation]] = {}
    for path, item in document["paths"].items():
        for method, operation in item.items():
            found.setdefault(operation["tags"][0], []).append((path, method.upper(), operation))
    return found


def index(document: Document) -> str:
    info = document["info"]
    lists = "".join(
        f'<h2><a href="{PATH}/{escape(name)}">{escape(name)}</a></h2><ul>{_links(name, operations)}</ul>'
        for name, operations in resources(document).items()
    )
    return (
        f"<h1>The API of Tocsin {escape(info['version'])}</h1>{prose(info['description'])}"
        "<p>Make a key with <code>tocsin api-key create --role viewer</code>. The examples take it from "
        "<code>$TOCSIN_KEY</code>, and the address of this server from <code>$TOCSIN</code>.</p>"
        f'<p>For programs: <a href="{_SERVER}/openapi.json">openapi.json</a> (OpenAPI '
        f'{escape(document["openapi"])}). Errors: <a href="/problems/">all problems</a>.</p>{lists}'
    )


def page(document: Document, resource: str) -> str | None:
    """One resource. None: there is none of this name."""
    operations = resources(document).get(resource)
    if operations is None:
        return None
    schemas = document["components"]["schemas"]
    sections = "".join(_section(each, schemas) for each in operations)
    used = sorted(_used([operation for _, _, operation in operations], schemas))
    shapes = "".join(
        f'<section id="shape-{escape(name)}"><h3>{escape(name)}</h3>'
        f"{prose(schemas[name].get('description', ''))}{fields_table(schemas[name])}</section>"
        for name in used
    )
    return (
        f'<p><a href="{PATH}">All resources</a></p><h1>{escape(resource)}</h1>'
        f"<ul>{_links(resource, operations)}</ul>{sections}<h2>Shapes</h2>{shapes}"
    )


def _links(resource: str, operations: list[Operation]) -> str:
    return "".join(
        f'<li><a href="{PATH}/{escape(resource)}#{escape(operation["operationId"])}">'
        f"<code>{method} {escape(path)}</code></a> {escape(_title(operation))}</li>"
        for path, method, operation in operations
    )


def _title(operation: dict[str, Any]) -> str:
    """As a sentence begins, not as a headline."""
    return str(operation["summary"]).capitalize()


def _section(found: Operation, schemas: dict[str, Any]) -> str:
    path, method, operation = found
    parts = [
        f'<section id="{escape(operation["operationId"])}"><h2>{escape(_title(operation))}</h2>',
        f"<p><code>{method} {_SERVER}{escape(path)}</code></p>",
        prose(operation.get("description", "")),
        f'<p class="quiet">Needs the role {escape(operation["x-required-role"])}.</p>',
    ]
    if parameters := operation.get("parameters"):
        rows = "".join(_parameter(each) for each in parameters)
        parts.append(
            '<div class="table"><table><tr><th>parameter</th><th>type</th><th>meaning</th></tr>'
            f"{rows}</table></div>"
        )
    bodies = operation.get("requestBody", {}).get("content", {}).values()
    parts += [f"<p>Body: {type_of(each['schema'])}</p>" for each in bodies]
    parts.append(f"<pre><code>{escape(curl_of(path, method, operation, schemas))}</code></pre>")
    rows = "".join(_answer(status, each) for status, each in operation["responses"].items())
    parts.append(
        '<div class="table"><table><tr><th>answer</th><th>with</th></tr>'
        f"{rows}</table></div></section>"
    )
    return "".join(parts)


def _parameter(found: dict[str, Any]) -> str:
    schema = found.get("schema", {})
    said = found.get("description") or schema.get("description") or ""
    if found["in"] == "header":
        said = f"A header. {said}"
    default = schema.get("default")
    if default is not None:
        said = with_default(said, default)
    name = f"<code>{escape(found['name'])}</code>" + (" *" if found.get("required") else "")
    return f"<tr><td>{name}</td><td>{type_of(schema)}</td><td>{prose(said, inline=True)}</td></tr>"


def _answer(status: str, found: dict[str, Any]) -> str:
    shapes = [
        type_of(media["schema"])
        for name, media in found.get("content", {}).items()
        if "problem" not in name and "schema" in media
    ]
    # What the framework says where nobody has said anything.
    if (said := found["description"]) != "Successful Response":
        shapes.append(prose(said, inline=True))
    return f"<tr><td>{escape(status)}</td><td>{' '.join(shapes) or 'nothing'}</td></tr>"


def _used(operations: list[dict[str, Any]], schemas: dict[str, Any]) -> set[str]:
    """The shapes that these speak of, and those that these speak of."""
    found: set[str] = set()
    waiting = {name for each in operations for name in names_in(each)} - {"Problem"}
    while waiting:
        name = waiting.pop()
        found.add(name)
        waiting |= set(names_in(schemas[name])) - found
    return found


def create_reference_pages(document: Callable[[], Document]) -> ASGIApp:
    """To be mounted at `PATH`. `document` is asked at the first request: it takes a while to make."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        name = scope["path"].removeprefix(scope.get("root_path", "")).strip("/")
        await _response(request, name, document)(scope, receive, send)

    return app


def _response(request: Request, name: str, document: Callable[[], Document]) -> Response:
    if request.method not in ("GET", "HEAD"):
        return problem_response(
            request.scope,
            "method-not-allowed",
            "Only GET is answered here.",
            headers={"Allow": "GET, HEAD"},
        )
    if not name:
        return plain_page("The API", index(document()), wide=True)
    content = page(document(), name)
    if content is None:
        return problem_response(request.scope, "not-found", "No resource has this name.")
    return plain_page(name, content, wide=True)
