from __future__ import annotations

import copy
import hashlib
import json
import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin.ingest.sources.kit.decode import decode
from tocsin.ingest.sources.kit.fingerprint import fingerprint

KEYS = st.text(st.characters(blacklist_categories=["Cs"]), max_size=8)
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | KEYS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=12,
)


def shuffled(value: Any, rng: random.Random) -> Any:
    if isinstance(value, dict):
        items = list(value.items())
        rng.shuffle(items)
        return {key: shuffled(item, rng) for key, item in items}
    return [shuffled(item, rng) for item in value] if isinstance(value, list) else value


@given(value=JSON, seed=st.integers(), indent=st.sampled_from([None, 1, 4]), ascii_=st.booleans())
def test_key_order_white_space_and_escapes_never_matter(
    value: Any, seed: int, indent: int | None, ascii_: bool
) -> None:
    respelled = json.dumps(shuffled(value, random.Random(seed)), indent=indent, ensure_ascii=ascii_)
    plain = json.dumps(value, separators=(",", ":"))
    assert fingerprint(decode(respelled.encode(), None)) == fingerprint(
        decode(plain.encode(), None)
    )


@given(one=JSON, other=JSON)
def test_other_content_has_another_fingerprint(one: Any, other: Any) -> None:
    same = json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)
    assert (fingerprint(one) == fingerprint(other)) is same


def test_it_is_the_sha256_of_canonical_json() -> None:
    expected = hashlib.sha256('{"a":[1,1.5,null],"b":"é"}'.encode()).hexdigest()
    assert fingerprint({"b": "é", "a": [1, 1.5, None]}) == expected


def test_numbers_are_compared_as_typed() -> None:
    def of(text: str) -> str:
        return fingerprint(decode(text.encode(), None))

    assert of("[1.0]") == of("[1e0]") == of("[10e-1]")
    assert of("[1]") != of("[1.0]")


PAYLOAD = {"at": 1, "alerts": [{"url": "a", "x": 1}, {"x": 2}, 3], "deep": {"at": 1, "b": 2}}


@pytest.mark.parametrize(
    ("path", "left"),
    [
        (("at",), {"alerts": PAYLOAD["alerts"], "deep": PAYLOAD["deep"]}),
        (("deep", "at"), {**PAYLOAD, "deep": {"b": 2}}),
        (("alerts", "*", "url"), {**PAYLOAD, "alerts": [{"x": 1}, {"x": 2}, 3]}),
        (("alerts", "*"), {**PAYLOAD, "alerts": []}),
        (("nowhere", "*", "x"), PAYLOAD),
        (("at", "deeper"), PAYLOAD),
        (("deep", "*"), PAYLOAD),
    ],
)
def test_volatile_paths_are_left_out(path: tuple[str, ...], left: Any) -> None:
    before = copy.deepcopy(PAYLOAD)
    assert fingerprint(PAYLOAD, (path,)) == fingerprint(left)
    assert before == PAYLOAD


@given(value=JSON, path=st.lists(st.sampled_from(["*", "a", "b"]), min_size=1, max_size=4))
def test_any_path_on_any_payload(value: Any, path: list[str]) -> None:
    before = copy.deepcopy(value)
    once = fingerprint(value, (tuple(path),))
    assert once == fingerprint(value, (tuple(path), tuple(path)))
    assert json.dumps(before) == json.dumps(value)
