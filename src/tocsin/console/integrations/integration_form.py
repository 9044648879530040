"""The form of an integration's settings: from what stands in its fields to what the API takes, and back.
Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tocsin.console.forms.durations import fault_of_duration, read_duration, write_duration
from tocsin.console.forms.pair_lines import read_pairs, write_pairs
from tocsin.model import AuthScheme, SignedContent
from tocsin.routing.flapping import FlappingNumbers

_DAY = 86_400
_AS_THEY_ARE = (
    "name",
    "tenant_id",
    "default_severity",
    "timezone",
    "auth_scheme",
    "signature_header",
    "signature_algorithm",
    "signature_format",
    "signed_content",
)
_OR_NOTHING = ("signature_prefix", "timestamp_header")
FLAPPING = (
    "start",
    "stop",
    "half_life_minutes",
    "quiet_minutes",
    "longest_minutes",
    "digest_minutes",
)
PARTS = {"flapping": FLAPPING}
TIMES = {
    "timestamp_tolerance_seconds": (1, 0, 7 * _DAY),
    "deduplication_window_minutes": (60, 0, 30 * _DAY),
    "auto_resolve_minutes": (60, 300, 365 * _DAY),
}
"""How many seconds the API counts in; the least and the most, in seconds."""
NAMES = (*_AS_THEY_ARE, *_OR_NOTHING, *TIMES, "kinds", "flapping")
"""What of an integration is set here. It is switched off, and has its mapping, on pages of their own."""
_FIELDS = (*_AS_THEY_ARE, *_OR_NOTHING, *TIMES, "kinds", "flaps")
_USUAL_FLAPPING = FlappingNumbers()
_YES = "yes"

SCHEMES = (
    (AuthScheme.HMAC, "signs each webhook with the secret"),
    (AuthScheme.TOKEN, "sends the secret in a header"),
    (AuthScheme.BASIC, "sends the secret as a password"),
    (AuthScheme.URL, "has the secret in the address"),
    (AuthScheme.SNS, "is Amazon SNS, which signs by its own keys"),
)
CONTENTS = (
    (SignedContent.BODY, "the body"),
    (SignedContent.TIMESTAMP_DOT_BODY, "time, a dot, and the body"),
    (SignedContent.TIMESTAMP_COLON_BODY, "time, a colon, and the body"),
    (SignedContent.ID_TIMESTAMP_BODY, "id, time and the body, by dots"),
)

Values = Mapping[str, str]


def values_of(integration: Mapping[str, Any]) -> dict[str, str]:
    """What stands in the form, by the integration's columns."""
    flapping = integration["flapping"]
    numbers = {name: getattr(_USUAL_FLAPPING, name) for name in FLAPPING} | (flapping or {})
    return {
        **{name: _text(integration[name]) for name in (*_AS_THEY_ARE, *_OR_NOTHING)},
        **{
            name: "" if integration[name] is None else write_duration(integration[name] * unit)
            for name, (unit, _, _) in TIMES.items()
        },
        "kinds": write_pairs(integration["kinds"] or {}),
        "flaps": "no" if flapping is None else _YES,
        **{f"flapping-{name}": f"{numbers[name]:.12g}" for name in FLAPPING},
    }


def _text(value: Any) -> str:
    return "" if value is None else str(getattr(value, "value", value))


def read_fields(form: Mapping[str, str]) -> dict[str, str]:
    values = {name: form.get(name, "").strip()[:20_000] for name in _FIELDS}
    # As it was typed: a blank at its end is a part of it, as in "Bearer ".
    values["signature_prefix"] = form.get("signature_prefix", "")[:2_000]
    return values | {
        f"flapping-{name}": form.get(f"flapping-{name}", "").strip() for name in FLAPPING
    }


def document_of(values: Values, *, takes_kinds: bool) -> tuple[dict[str, Any], dict[str, str]]:
    """As the API has it, and what cannot be read, by field."""
    faults: dict[str, str] = {}
    document: dict[str, Any] = {name: values[name] for name in _AS_THEY_ARE}
    document |= {name: values[name] or None for name in _OR_NOTHING}
    for name in TIMES:
        document[name] = _read_time(name, values[name], faults)
    if takes_kinds:
        kinds, fault = read_pairs(values["kinds"])
        document["kinds"] = {word: kind.lower() for word, kind in kinds.items()} or None
        if fault:
            faults["kinds"] = fault
    document["flapping"] = None
    if values["flaps"] == _YES:
        document["flapping"] = {
            name: _read_number(f"flapping-{name}", values, faults) for name in FLAPPING
        }
    return document, faults


def _read_time(name: str, text: str, faults: dict[str, str]) -> int | None:
    unit, least, most = TIMES[name]
    if not text and name == "auto_resolve_minutes":
        return None
    seconds = read_duration(text, unit)
    if fault := fault_of_duration(seconds, least, most):
        faults[name] = fault
    elif seconds and seconds % unit:
        faults[name] = "To the minute."
    return None if seconds is None else seconds // unit


def _read_number(name: str, values: Values, faults: dict[str, str]) -> float:
    try:
        return float(values[name].replace(",", "."))
    except ValueError:
        faults[name] = "A number."
        return 0.0


def section_words(values: Values) -> dict[str, str]:
    """What each section of the form says, in a few words."""
    header = values["signature_header"]
    proof = {
        AuthScheme.HMAC.value: f"signs, {values['signature_algorithm']} in {header}",
        AuthScheme.TOKEN.value: f"secret in {header}",
        AuthScheme.BASIC.value: "secret as a password",
        AuthScheme.URL.value: "secret in the address",
        AuthScheme.SNS.value: "signed by Amazon SNS",
    }
    window, over = values["deduplication_window_minutes"], values["auto_resolve_minutes"]
    again = "none is a duplicate" if window in ("0 s", "0") else f"duplicates within {window}"
    kinds = len(read_pairs(values["kinds"])[0])
    return {
        "proof": proof.get(values["auth_scheme"], ""),
        "repeats": f"{again}; {f'over after {over} without news' if over else 'never over by itself'}",
        "kinds": f"{kinds} of its own" if kinds else "",
        "flapping": "told as one that flaps" if values["flaps"] == _YES else "",
    }
