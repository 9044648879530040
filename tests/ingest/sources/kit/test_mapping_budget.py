"""Whatever a mapping asks for on whatever payload: bounded time and memory, and an alert."""

from __future__ import annotations

import time
import tracemalloc
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.ingest.sources.kit.test_fingerprint import JSON
from tests.ingest.sources.sample_files import context
from tocsin.ingest.sources.kit.decode import InvalidPayload
from tocsin.ingest.sources.kit.evaluation import (
    STEPS,
    BudgetSpent,
    Evaluation,
    TooMuchAtOnce,
)
from tocsin.ingest.sources.kit.mapping import compile_mapping, validate_mapping
from tocsin.model import Signal, SignalKind

SECONDS = 0.2
"""Several times what it takes on one unloaded core, and far below what it took unbounded."""
BYTES = 16_000_000

SMALL = {"a": "x", "id": "disk-1", "title": "Disk full", "status": "resolved"}
LARGE = {"list": list(range(20_000)), "text": "y" * 200_000, "map": {str(i): i for i in range(500)}}
ALIKE = [{"a": "z" * 100_000 + end} for end in "10"]
HUGE_NUMBERS = {"n": [int("9" * 4_300)] * 20}


def chain(step: str, times: int) -> str:
    return "|".join([step] * times)


def labels(expression: str) -> dict[str, Any]:
    return {"labels": {f"l{number}": expression for number in range(200)}}


GREEDY = {
    "a list doubles": ({"title": chain("[@,@][]", 20)}, SMALL),
    "a list doubles within": ({"title": chain("[@,@]", 30)}, SMALL),
    "an object doubles": ({"title": chain("{a:@,b:@}", 25)}, SMALL),
    "what is to be ignored doubles": ({"ignore": chain("[@,@][]", 20)}, SMALL),
    "what doubled is compared": (
        {"title": "({0})==({0})".format(chain("[@,@]", 30))},
        SMALL,
    ),
    "a text doubles": ({"title": "a|" + chain("join('',[@,@])", 30)}, SMALL),
    "escapes double": ({"title": chain("to_string([@,@])", 20)}, SMALL),
    "a long separator": ({"title": "join(text, list[].to_string(@))"}, LARGE),
    "texts alike are sorted": ({"title": chain("[@,@][]", 15) + "|sort_by(@,&a)"}, ALIKE),
    "the largest of texts alike": ({"title": "[].a|" + chain("[@,@][]", 17) + "|max(@)"}, ALIKE),
    "a list for each element": ({"title": "list[*].[@,@,@][].[@,@][] | [0]"}, LARGE),
    "a text for each element": ({"title": "list[?contains(to_string(@), 'z')]"}, LARGE),
    "a search in each": ({"title": "l[?contains(@, `1`)]"}, {"l": [list(range(2, 900))] * 500}),
    "the whole in each label": (labels("@"), LARGE),
    "the whole written in each label": (labels("to_string(@)"), LARGE),
    "a copy for each label": (labels("merge(map,map,map,map,map,map,map,map).x"), LARGE),
    "a mirror for each label": (labels("reverse(text)"), LARGE),
    "alerts multiply": ({"alerts": "[@]|" + chain("[@,@][]", 12)}, LARGE),
    "alerts that hold the whole": (
        {"alerts": "[{k:@}]|" + chain("[@,@][]", 12), **labels("_root")},
        LARGE,
    ),
}


@pytest.mark.parametrize(("mapping", "payload"), GREEDY.values(), ids=GREEDY)
def test_what_costs_too_much_speaks_through_the_default_fields(mapping: Any, payload: Any) -> None:
    compiled, given = compile_mapping(mapping), context()
    began = time.thread_time()
    signals = compiled.signals(payload, given)
    assert time.thread_time() - began < SECONDS
    assert signals[-1].flags[-1] == "mapping_budget"
    if payload is SMALL:
        (signal,) = signals
        assert (signal.title, signal.external_id, signal.kind) == (
            "Disk full",
            "disk-1",
            SignalKind.RESOLVE,
        )
    tracemalloc.start()
    try:
        compiled.signals(payload, given)
        assert tracemalloc.get_traced_memory()[1] < BYTES
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(("mapping", "payload"), GREEDY.values(), ids=GREEDY)
def test_what_costs_too_much_takes_no_more_than_a_moment_at_once(
    mapping: Any, payload: Any
) -> None:
    compiled, given = compile_mapping(mapping), context()
    given.at_once = True
    began = time.thread_time()
    with pytest.raises(TooMuchAtOnce):
        compiled.signals(payload, given)
    assert time.thread_time() - began < SECONDS / 10


def test_what_costs_a_moment_is_the_same_at_once() -> None:
    compiled, given = compile_mapping({"title": "a", "metadata": "{id: id}"}), context()
    before = compiled.signals(SMALL, given)
    given.at_once = True
    assert compiled.signals(SMALL, given) == before


def test_huge_numbers_cost_what_they_take_to_write() -> None:
    compiled = compile_mapping(labels("sum(n)"))
    began = time.thread_time()
    (signal,) = compiled.signals(HUGE_NUMBERS, context())
    assert time.thread_time() - began < SECONDS
    assert "mapping_budget" in signal.flags


def test_a_number_too_large_to_write_is_text_all_the_same() -> None:
    (signal,) = compile_mapping({"labels": {"n": "sum(n)"}}).signals(
        {"title": "x", "n": [int("9" * 4_300)] * 2}, context()
    )
    assert signal.labels["n"].startswith('"0x')


def test_an_error_never_shows_what_doubled() -> None:
    compiled = compile_mapping({"title": f"abs({chain('[@,@]', 30)})"})
    with pytest.raises(InvalidPayload) as error:
        compiled.signals({"a": 1}, context())
    assert error.value.faults[0].message.endswith("abs() takes number, not array")


def test_a_thousand_alerts_with_ten_fields_fit() -> None:
    mapping = {
        "alerts": "events",
        "title": "what",
        "severity": "level",
        "kind": "state",
        "external_id": "join('-', ['door', to_string(ref.id)])",
        "triggered_at": "at",
        "labels": {"site": "where.site", "room": "where.room", "probe": "_root.source"},
        "metadata": "{n: ref.id}",
    }
    event = {"what": "Door open", "level": "high", "state": "down", "where": {"site": "Oslo"}}
    payload = {"source": "p", "events": [{**event, "ref": {"id": n}} for n in range(1_000)]}
    signals = compile_mapping(mapping).signals(payload, context())
    assert [signal.external_id for signal in signals] == [f"door-{n}" for n in range(1_000)]
    assert not any(signal.flags for signal in signals)


def test_alerts_beyond_the_budget_are_kept_by_their_default_fields() -> None:
    payload = {"events": [{"title": f"Door {n}", "id": n} for n in range(4_000)]}
    mapping = {"alerts": "events", "title": "join(' ', ['The', title, 'is open'])"}
    signals = compile_mapping(mapping).signals(payload, context())
    assert len({signal.external_id for signal in signals}) == 4_000
    assert signals[0] == Signal(SignalKind.TRIGGER, "0", "The Door 0 is open")
    assert signals[-1] == Signal(SignalKind.TRIGGER, "3999", "Door 3999", flags=("mapping_budget",))


@pytest.mark.parametrize(
    ("document", "pointer"),
    [
        ({"title": chain("[@]", 300)}, "/title"),
        ({"title": "!" * 100 + "a"}, "/title"),
        ({"title": "[" + ",".join("a" * 500) + "]"}, "/title"),
        ({"labels": {f"l{number}": "a" for number in range(201)}}, "/labels"),
        ({"kinds": {f"w{number}": "ignore" for number in range(1_001)}}, "/kinds"),
        ({"severities": {f"w{number}": "LOW" for number in range(1_001)}}, "/severities"),
    ],
)
def test_a_mapping_has_a_size(document: Any, pointer: str) -> None:
    (fault,) = validate_mapping(document)
    assert (fault.pointer, fault.code) == (pointer, "too-long")


EXPRESSIONS = st.recursive(
    st.sampled_from(["@", "a", "*", "[]", "[0]", "[*]", "[::-1]", '`[1, "x"]`', "keys(@)"]),
    lambda inner: st.one_of(
        st.tuples(inner, inner).map("{0[0]}|{0[1]}".format),
        inner.map("[@,{0}]".format),
        inner.map("{{a:{0},b:@}}".format),
        inner.map("map(&[@,@],to_array({0}))".format),
        inner.map("join('',[to_string({0}),to_string(@)])".format),
        inner.map("sort_by(to_array({0}),&to_string(@))".format),
        inner.map("[?contains(to_string(@),'a')&&@=={0}]".format),
    ),
    max_leaves=12,
)


@given(payload=JSON, expression=EXPRESSIONS, steps=st.sampled_from([10, 500, STEPS]))
def test_any_expression_stays_within_its_budget(payload: Any, expression: str, steps: int) -> None:
    import jmespath

    evaluation = Evaluation(steps)
    try:
        found = evaluation.search(jmespath.compile(expression).parsed, payload)
    except BudgetSpent:
        return
    except Exception:
        assert evaluation.left >= 0
        return
    # Nothing was found that is larger than what was paid for, and the answer is the library's own.
    assert evaluation.left >= 0
    assert len(str(found)) <= 64 * 12 * (steps + 64)
    assert found == jmespath.search(expression, payload) or found != found
