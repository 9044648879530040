"""The OpenAPI 3.1 document: what the framework derives from the routes, and what it cannot know.

Every operation names all the problems it can answer with; the tests compare the document with what
the server really does.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from fastapi import APIRouter, FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute
from starlette.types import Scope

from tocsin.api.auth import ROLE_CHECKS
from tocsin.model import Role
from tocsin.problems import MEDIA_TYPE, PROBLEMS

_PROBLEM_REF = {"$ref": "#/components/schemas/Problem"}

_SCHEMAS: dict[str, Any] = {
    "Problem": {
        "title": "Problem",
        "description": "Problem details (RFC 9457); `type` is a page of this server.",
        "type": "object",
        "required": ["type", "title", "status", "detail", "instance"],
        "properties": {
            "type": {"type": "string", "enum": [f"/problems/{slug}" for slug in PROBLEMS]},
            "title": {"type": "string"},
            "status": {"type": "integer"},
            "detail": {"type": "string"},
            "instance": {"type": "string", "format": "uri-reference"},
            "errors": {"type": "array", "items": {"$ref": "#/components/schemas/Fault"}},
        },
    },
    "Fault": {
        "title": "Fault",
        "description": "One thing wrong: a JSON pointer into the body, or below /query.",
        "type": "object",
        "required": ["pointer", "code", "message"],
        "properties": {
            "pointer": {"type": "string"},
            "code": {"type": "string"},
            "message": {"type": "string"},
        },
    },
}

_RETRY_AFTER = {
    "Retry-After": {
        "description": "Seconds to wait",
        "required": True,
        "schema": {"type": "string"},
    }
}
_HEADERS: dict[int, Any] = {
    401: {
        "WWW-Authenticate": {
            "description": "RFC 6750",
            "required": True,
            "schema": {"type": "string"},
        }
    },
    405: {
        "Allow": {
            "description": "The methods there are",
            "required": True,
            "schema": {"type": "string"},
        }
    },
    429: _RETRY_AFTER,
    503: _RETRY_AFTER,
}


def problems(*slugs: str) -> dict[int | str, dict[str, Any]]:
    """The `responses` of a route that can answer with these, besides what every route can."""
    responses: dict[int | str, dict[str, Any]] = {}
    for slug in slugs:
        problem = PROBLEMS[slug]
        line = f"[{slug}](/problems/{slug}): {problem.title}"
        if problem.status in responses:
            line = f"{responses[problem.status]['description']}; {line}"
        responses[problem.status] = {
            "description": line,
            "content": {MEDIA_TYPE: {"schema": _PROBLEM_REF}},
        }
        if problem.status in _HEADERS:
            responses[problem.status]["headers"] = _HEADERS[problem.status]
    return responses


def _calls(dependant: Dependant) -> Iterable[object]:
    for part in dependant.dependencies:
        yield part.call
        yield from _calls(part)


def _role(route: APIRoute) -> Role:
    calls = set(_calls(route.dependant))
    return next((role for role, check in ROLE_CHECKS.items() if check in calls), Role.VIEWER)


def _common(operation: dict[str, Any], path: str, role: Role) -> list[str]:
    slugs = ["unauthorized", "method-not-allowed", "internal-error", "database-unavailable"]
    if role is not Role.VIEWER:
        slugs.append("forbidden")
    if "{" in path:
        slugs.append("not-found")
    queries = [part for part in operation.get("parameters", ()) if part["in"] == "query"]
    if queries or "requestBody" in operation:
        slugs.append("validation-failed")
    if any(part["name"] == "cursor" for part in queries):
        slugs.append("bad-cursor")
    if "requestBody" in operation:
        slugs += [
            "malformed-request",
            "request-timeout",
            "payload-too-large",
            "unsupported-media-type",
        ]
    return slugs


def _link(paths: dict[str, Any]) -> None:
    """What is made, or found in a list, can be read and changed: each such answer links to the
    operations that take its id."""
    for path, item in paths.items():
        targets = {
            operation["operationId"]: parameter["name"]
            for other, operations in paths.items()
            if other.startswith(path + "/{") and other.count("{") == 1
            for operation in operations.values()
            for parameter in operation["parameters"]
            if parameter["in"] == "path"
        }
        for method, status, expression in (
            ("post", "201", "$response.body#/id"),
            ("get", "200", "$response.body#/items/0/id"),
        ):
            if path == "/workspaces" and method == "post":
                continue  # who makes one does not see into it
            if targets and status in item.get(method, {}).get("responses", {}):
                item[method]["responses"][status]["links"] = {
                    operation_id: {"operationId": operation_id, "parameters": {name: expression}}
                    for operation_id, name in targets.items()
                }


def _complete(document: dict[str, Any], roles: dict[tuple[str, str], Role]) -> None:
    for path, item in document["paths"].items():
        for method, operation in item.items():
            role = roles[path, method]
            operation["x-required-role"] = role.value
            given = operation["responses"]
            if "422" in given and MEDIA_TYPE not in given["422"].get("content", {}):
                del given["422"]  # the framework's own shape, which is never sent
            for status, response in problems(*_common(operation, path, role)).items():
                if str(status) in given:
                    own = given[str(status)]["description"]
                    if response["description"] not in own:
                        given[str(status)]["description"] = f"{response['description']}; {own}"
                else:
                    given[str(status)] = response
            operation["responses"] = dict(sorted(given.items()))
    _link(document["paths"])
    schemas = document.setdefault("components", {}).setdefault("schemas", {})
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    schemas.update(_SCHEMAS)
    _name_variants(schemas)
    document["components"]["securitySchemes"] = {
        "apiKey": {
            "type": "http",
            "scheme": "bearer",
            "description": "An API key, as `tocsin api-key create` or POST /api-keys makes it",
        }
    }
    document["security"] = [{"apiKey": []}]


def _name_variants(schemas: dict[str, Any]) -> None:
    """Gives each variant of a body, and its config, a name of its own: generators of clients make
    a type of each, and have no name for one that stands inside another."""
    for schema in list(schemas.values()):
        for at, variant in enumerate(schema.get("oneOf", ())):
            if "$ref" in variant:
                continue
            config = variant["properties"]["config"]
            variant["properties"]["config"] = _named(schemas, config)
            schema["oneOf"][at] = _named(schemas, variant)


def _named(schemas: dict[str, Any], schema: dict[str, Any]) -> dict[str, str]:
    schemas[schema["title"]] = schema
    return {"$ref": f"#/components/schemas/{schema['title']}"}


def install(api: FastAPI, routers: Sequence[APIRouter]) -> None:
    """Completes `api.openapi()`, and fills `api.state.methods_at`, which the Allow header needs."""
    roles = {
        (route.path_format, method.lower()): _role(route)
        for router in routers
        for route in router.routes
        if isinstance(route, APIRoute)
        for method in route.methods or ()
    }

    def document() -> dict[str, Any]:
        if api.openapi_schema is None:
            schema = get_openapi(
                title=api.title,
                version=api.version,
                openapi_version=api.openapi_version,
                description=api.description,
                routes=api.routes,
                tags=api.openapi_tags,
                servers=[{"url": "/api/v1"}],
                separate_input_output_schemas=api.separate_input_output_schemas,
            )
            _complete(schema, roles)
            api.openapi_schema = schema
        return api.openapi_schema

    api.openapi = document  # type: ignore[method-assign]
    api.state.methods_at = _methods_at(roles)


def _methods_at(operations: Iterable[tuple[str, str]]) -> Callable[[Scope], list[str]]:
    by_path: dict[str, set[str]] = {"/openapi.json": {"GET"}}
    for path, method in operations:
        by_path.setdefault(path, set()).add(method.upper())
    # What is written out comes before what has a placeholder, as it does in routing.
    patterns = [
        (re.compile(re.sub(r"\{[^}]+\}", "[^/]+", path)), methods)
        for path, methods in sorted(by_path.items(), key=lambda entry: "{" in entry[0])
    ]

    def methods_at(scope: Scope) -> list[str]:
        path = scope["path"].removeprefix(scope.get("root_path", ""))
        for pattern, methods in patterns:
            if pattern.fullmatch(path):
                return sorted(methods | {"HEAD"} if "GET" in methods else methods)
        return []

    return methods_at
