"""What a list of alerts can be narrowed to: its severities, states, tenants, sources and labels, each
with how many alerts have it. Asked for beside the page, which does not wait for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus

from starlette.responses import Response

from tocsin.console.alerts.alert_addresses import USUAL, list_address, quoted
from tocsin.console.frame.render import page
from tocsin.console.getting_in.door import Call
from tocsin.model import AlertStatus, Severity
from tocsin.model.alert_filter import AlertFilter
from tocsin.resources.alert_query import read_query, without
from tocsin.store.database import DatabaseSession
from tocsin.store.queries.alert_counts import OWN_FACETS, FacetCount, count_labels, count_own
from tocsin.store.queries.alert_search import narrowed

MOST_FACETS = 12
MOST_VALUES = 20
_WORDS = {"severity": "Severity", "status": "Status", "tenant": "Tenant", "source": "Source"}


@dataclass(frozen=True, slots=True)
class FacetValue:
    value: str
    words: str
    count: int
    is_chosen: bool
    address: str


@dataclass(frozen=True, slots=True)
class Facet:
    name: str
    words: str
    choices: Sequence[FacetValue]


async def show_facets(call: Call) -> Response:
    """The part of the page that has them."""
    query = call.request.query_params.get("q", USUAL)[:1_000]
    async with call.context.reading() as session:
        facets = await read_facets(session, call, query)
    return page("facets.html", call.frame("alerts"), HTTPStatus.OK, facets=facets)


async def read_facets(session: DatabaseSession, call: Call, query: str) -> list[Facet]:
    """None for a query that cannot be read."""
    workspace_id = call.visitor.workspace_id
    wanted = read_query(query, call.now)
    if wanted.faults:
        return []
    chosen = _chosen(wanted)
    among = await narrowed(session, workspace_id, wanted)
    together = await count_own(session, workspace_id, among, MOST_VALUES)
    found = []
    for name in OWN_FACETS:
        rest = without(query, name)
        counts = together[name]
        if chosen[name]:
            # What else it could be is not in the list: it is counted without this condition.
            others = await narrowed(session, workspace_id, read_query(rest, call.now))
            counts = (await count_own(session, workspace_id, others, MOST_VALUES))[name]
        if name == "severity":
            counts = _of_all([each.value for each in Severity], counts)
        elif name == "status":
            counts = _of_all([each.value for each in AlertStatus], counts)
        elif len(counts) < 2 and not chosen[name]:
            continue
        found.append(_facet(name, _WORDS[name], counts, chosen[name], rest))
    return found + await _labels(session, call, query, among, MOST_FACETS - len(found))


async def _labels(
    session: DatabaseSession, call: Call, query: str, among: AlertFilter, most: int
) -> list[Facet]:
    counts = await count_labels(session, call.visitor.workspace_id, among, most, MOST_VALUES)
    return [
        _facet(name, name, values, set(), without(query, name)) for name, values in counts.items()
    ]


def _chosen(wanted: AlertFilter) -> Mapping[str, set[str]]:
    chosen = {name: _values_of(wanted, name) for name in OWN_FACETS}
    chosen["severity"] = {each.value for each in wanted.severities}
    chosen["status"] = {each.value for each in wanted.statuses}
    return chosen


def _values_of(wanted: AlertFilter, name: str) -> set[str]:
    return {
        value
        for each in wanted.conditions
        if each.name == name and not each.is_label and not each.negated
        for value in each.values
    }


def _of_all(names: Sequence[str], counts: Sequence[FacetCount]) -> list[FacetCount]:
    known = {each.value: each.count for each in counts}
    return [FacetCount(name, known.get(name, 0)) for name in names]


def _facet(
    name: str, words: str, counts: Sequence[FacetCount], chosen: set[str], rest: str
) -> Facet:
    return Facet(name, words, [_value(name, each, chosen, rest) for each in counts])


def _value(name: str, each: FacetCount, chosen: set[str], rest: str) -> FacetValue:
    is_chosen = each.value in chosen
    after = chosen - {each.value} if is_chosen else chosen | {each.value}
    shown = name in ("severity", "status")
    values = ",".join(sorted(value.lower() if shown else value for value in after))
    term = quoted(f"{name}:{values}") if values else ""
    return FacetValue(
        value=each.value,
        words=each.value.capitalize() if shown else each.value,
        count=each.count,
        is_chosen=is_chosen,
        address=list_address(q=f"{rest} {term}".strip()),
    )
