"""The fields of a destination's form, as its channel's config has them: a new channel needs no page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tocsin.console.forms.forms import lines
from tocsin.delivery.channels.registry import CHANNELS

_WORDS = {
    "url": "Address",
    "urls": "Addresses",
    "to": "Phone",
    "recipients": "Recipients",
    "timezone": "Time zone",
    "secret": "Signing secret",
}
_HINTS = {
    "recipients": "One on each line.",
    "urls": "One on each line.",
    "secret": "Left empty, one is made.",
}
_NO, _YES = "no", "yes"


@dataclass(frozen=True, slots=True)
class ConfigField:
    name: str
    words: str
    hint: str
    is_required: bool
    is_secret: bool
    is_list: bool
    choices: tuple[str, ...]
    value: str


def fields_of(kind: str, values: Mapping[str, Any]) -> list[ConfigField]:
    """Those that must be filled in first, the time zone last."""
    channel = CHANNELS[kind]
    schema = channel.config_model.model_json_schema()
    required = set(schema.get("required", ()))
    made = [
        _field(name, each, name in required, name in channel.secret_fields, values.get(name))
        for name, each in schema["properties"].items()
    ]
    return sorted(made, key=lambda each: (not each.is_required, each.name == "timezone"))


def _field(
    name: str, schema: Mapping[str, Any], is_required: bool, is_secret: bool, value: Any
) -> ConfigField:
    is_list = schema.get("type") == "array"
    usual = schema.get("default")
    given = usual if value is None else value
    choices = tuple(str(each) for each in schema.get("enum", ()))
    if schema.get("type") == "boolean":
        choices, given = (_NO, _YES), _YES if given else _NO
    return ConfigField(
        name=name,
        words=_WORDS.get(name, name.replace("_", " ").capitalize()),
        hint=_HINTS.get(name) or str(schema.get("description", "")),
        is_required=is_required,
        is_secret=is_secret,
        is_list=is_list,
        choices=choices,
        value="\n".join(map(str, given)) if isinstance(given, list) else str(given or ""),
    )


def read_config(kind: str, form: Mapping[str, str]) -> dict[str, Any]:
    """What was filled in; an empty field is left out, so that what is usual holds."""
    properties = CHANNELS[kind].config_model.model_json_schema()["properties"]
    config: dict[str, Any] = {}
    for name, schema in properties.items():
        text = form.get(f"config.{name}", "").strip()
        if not text:
            continue
        kind_of = schema.get("type")
        if kind_of == "array":
            config[name] = lines(text)
        elif kind_of == "integer" and text.isdecimal() and len(text) < 10:
            config[name] = int(text)
        elif kind_of == "boolean" and text in (_NO, _YES):
            config[name] = text == _YES
        else:
            config[name] = text
    return config
