"""Which parts of a config are somebody's address, and what others may see of them.

A person's contact method is shown in full to that person alone. Whatever a channel calls its fields,
text that is typed in (not chosen, as a time zone or one of a few words is) counts as an address: a
channel that is added later cannot be forgotten here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import Enum
from typing import Annotated, Any, Literal, get_args, get_origin

from tocsin.delivery.channels.base import ChannelConfig

_HIDDEN = "…"
_SHOWN_DIGITS = 2


def addresses_of(config: ChannelConfig) -> list[str]:
    """Every text in it that was typed in, the longest first."""
    document = config.model_dump(mode="json")
    found = {
        text for name in _typed_fields(type(config)) for text in _texts(document.get(name)) if text
    }
    return sorted(found, key=lambda text: (-len(text), text))


def with_addresses_masked(model: type[ChannelConfig], public: Mapping[str, Any]) -> dict[str, Any]:
    """The public part of a config, as those may see it whose it is not."""
    typed = _typed_fields(model)
    known = model.model_fields.keys()
    return {
        name: _masked(value) if name in typed or name not in known else value
        for name, value in public.items()
    }


def masked(address: str) -> str:
    """`a…@example.org`, `…34` of a number: enough for its owner to tell which it is."""
    local, at, domain = address.rpartition("@")
    if at and "/" not in address:
        return f"{local[:1]}{_HIDDEN}@{domain}"
    if len(address) > 2 * _SHOWN_DIGITS and address[-_SHOWN_DIGITS:].isdigit():
        return _HIDDEN + address[-_SHOWN_DIGITS:]
    return _HIDDEN


def _typed_fields(model: type[ChannelConfig]) -> frozenset[str]:
    return frozenset(
        name
        for name, field in model.model_fields.items()
        if name not in ChannelConfig.model_fields and not _is_chosen(field.annotation)
    )


def _is_chosen(annotation: Any) -> bool:
    """Whether it is one of a few values, a truth or a number, or nothing: no text that is typed in."""
    origin = get_origin(annotation)
    if origin is Annotated:
        return _is_chosen(get_args(annotation)[0])
    if origin is Literal or annotation in (bool, int, float, type(None)):
        return True
    if origin is not None:
        return all(_is_chosen(each) for each in get_args(annotation))
    return isinstance(annotation, type) and issubclass(annotation, Enum)


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for each in value.values():
            yield from _texts(each)
    elif isinstance(value, list):
        for each in value:
            yield from _texts(each)


def _masked(value: Any) -> Any:
    if isinstance(value, str):
        return masked(value)
    if isinstance(value, Mapping):
        return {name: _masked(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_masked(each) for each in value]
    return value
