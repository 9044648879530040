"""Parts of the OpenAPI document in words and tables, as HTML."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import escape
from typing import Any

_REF = "#/components/schemas/"
_MARK = re.compile(r"`([^`]+)`|\[([^\]]+)\]\((/[^)\s]*)\)")
_SHOWN = 12
"""Of the values that a text may have."""


def prose(text: str, *, inline: bool = False) -> str:
    """Paragraphs, with code and links to pages of this server."""
    paragraphs = [_marked(each) for each in re.split(r"\n\s*\n", text.strip()) if each.strip()]
    return "<br>".join(paragraphs) if inline else "".join(f"<p>{each}</p>" for each in paragraphs)


def _marked(text: str) -> str:
    parts, at = [], 0
    for found in _MARK.finditer(text):
        parts.append(escape(text[at : found.start()]))
        if found[1]:
            parts.append(f"<code>{escape(found[1])}</code>")
        else:
            parts.append(f'<a href="{escape(found[3])}">{escape(found[2])}</a>')
        at = found.end()
    return "".join([*parts, escape(text[at:])])


def type_of(schema: dict[str, Any]) -> str:
    """What a value must be, in a few words."""
    if "$ref" in schema:
        name = escape(schema["$ref"].removeprefix(_REF))
        return f'<a href="#shape-{name}">{name}</a>'
    for choice in ("anyOf", "oneOf"):
        if choice in schema:
            return " or ".join(dict.fromkeys(type_of(each) for each in schema[choice]))
    if "allOf" in schema:
        return " and ".join(type_of(each) for each in schema["allOf"])
    if "const" in schema:
        return f"<code>{escape(str(schema['const']))}</code>"
    if "enum" in schema:
        return _values(schema["enum"])
    kind = schema.get("type", "anything")
    if kind == "array":
        return f"list of {type_of(schema.get('items', {}))}"
    if kind == "object" and isinstance(schema.get("additionalProperties"), dict):
        return f"object, each {type_of(schema['additionalProperties'])}"
    if isinstance(kind, list):
        kind = " or ".join(kind)
    return escape(str(schema.get("format") or kind).replace("-", " "))


def _values(values: list[Any]) -> str:
    shown = [f"<code>{escape(str(each))}</code>" for each in values[:_SHOWN]]
    return ", ".join(shown) + (" …" if len(values) > _SHOWN else "")


def fields_table(schema: dict[str, Any]) -> str:
    """The members of an object; for anything else what it may be."""
    fields = schema.get("properties")
    if not fields:
        return f"<p>{type_of(schema)}</p>"
    required = set(schema.get("required", ()))
    rows = "".join(
        f"<tr><td><code>{escape(name)}</code>{' *' if name in required else ''}</td>"
        f"<td>{type_of(field)}</td><td>{prose(_meaning(field), inline=True)}</td></tr>"
        for name, field in fields.items()
    )
    return (
        '<div class="table"><table><tr><th>member</th><th>type</th><th>meaning</th></tr>'
        f"{rows}</table></div>"
    )


def _meaning(field: dict[str, Any]) -> str:
    said, default = str(field.get("description", "")), field.get("default")
    return said if default in (None, [], {}) else with_default(said, default)


def with_default(said: str, default: Any) -> str:
    """A meaning, and what holds where nothing is given."""
    end = "" if not said or said.endswith((".", "!", "?")) else "."
    return f"{said}{end} Without it: `{default}`.".strip()


def names_in(part: Any) -> Iterator[str]:
    """The shapes that it refers to, at any depth."""
    if isinstance(part, dict):
        if isinstance(name := part.get("$ref"), str):
            yield name.removeprefix(_REF)
        for each in part.values():
            yield from names_in(each)
    elif isinstance(part, list):
        for each in part:
            yield from names_in(each)
