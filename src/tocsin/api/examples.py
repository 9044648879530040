"""A request of each operation, to be typed into a shell."""

from __future__ import annotations

import json
import re
from typing import Any

_REF = "#/components/schemas/"
_DEPTH = 4
"""Of objects within objects; what is deeper is left for the reader."""


def curl_of(path: str, method: str, operation: dict[str, Any], schemas: dict[str, Any]) -> str:
    """With what the body must have, and a value of its type for each."""
    address = re.sub(r"\{(\w+)\}", lambda found: found[1].upper(), path)
    words = ["curl", *(["-X", method] if method not in ("GET", "POST") else [])]
    lines = [f'{" ".join(words)} "$TOCSIN/api/v1{address}"']
    lines.append('-H "Authorization: Bearer $TOCSIN_KEY"')
    content = operation.get("requestBody", {}).get("content", {})
    if "application/json" in content:
        body = _sample(content["application/json"]["schema"], schemas, _DEPTH)
        lines.append("-H 'Content-Type: application/json'")
        lines.append(f"-d {_quoted(json.dumps(body, ensure_ascii=False))}")
    elif method == "POST":
        lines[0] = lines[0].replace("curl ", "curl -X POST ", 1)
    return " \\\n  ".join(lines)


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"


def _sample(schema: dict[str, Any], schemas: dict[str, Any], depth: int) -> Any:
    if "$ref" in schema:
        return _sample(schemas[schema["$ref"].removeprefix(_REF)], schemas, depth)
    for given in ("const", "default"):
        if schema.get(given) is not None:
            return schema[given]
    if examples := schema.get("examples"):
        return examples[0]
    if "enum" in schema:
        return schema["enum"][0]
    for choice in ("anyOf", "oneOf", "allOf"):
        if choice in schema:
            return _sample(schema[choice][0], schemas, depth)
    kind = schema.get("type")
    if kind == "object":
        if depth == 0:
            return {}
        fields, required = schema.get("properties", {}), schema.get("required", ())
        return {name: _sample(fields[name], schemas, depth - 1) for name in required}
    if kind == "array":
        return [_sample(schema.get("items", {}), schemas, depth - 1)] if depth else []
    return _plain(kind, schema)


def _plain(kind: Any, schema: dict[str, Any]) -> Any:
    if kind == "boolean":
        return True
    if kind in ("integer", "number"):
        return schema.get("minimum", 1)
    by_format = {
        "uuid": "01900000-0000-7000-8000-000000000000",
        "date-time": "2030-01-01T08:00:00Z",
        "email": "ana@example.org",
        "uri": "https://example.org/hook",
    }
    return by_format.get(schema.get("format", ""), "…")
