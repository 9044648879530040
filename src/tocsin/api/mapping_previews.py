"""What a mapping may be, and what it makes of payloads given or on record, before it is in force."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import Field

from tocsin.api.auth import Responder
from tocsin.api.context import Context
from tocsin.api.json_body import JsonRoute
from tocsin.api.problem_answers import not_found
from tocsin.api.webhook_replay import FaultOut, SignalOut
from tocsin.ingest.mapping_trial import (
    suggest_for,
    try_payload,
    try_stored,
    with_mapping,
)
from tocsin.ingest.sources.kit.mapping import validate_mapping
from tocsin.ingest.sources.registry import SOURCES
from tocsin.model import Fault, utc_now
from tocsin.resources.errors import InvalidRequest
from tocsin.resources.fields import Id, Input, JsonObject, Output, Whole, example
from tocsin.resources.integration_shapes import MappingIn
from tocsin.resources.owned import owned
from tocsin.store.stored_webhooks import webhooks_on_record
from tocsin.store.tables import Integration

router = APIRouter(
    prefix="/integrations/{integration_id:uuid}/mapping",
    tags=["integrations"],
    route_class=JsonRoute,
)

MOST = 50


class SamplesIn(Input):
    payloads: Annotated[
        list[Any],
        Field(default_factory=list, max_length=MOST, description="As the tool would post them"),
    ]
    delivery_ids: Annotated[
        list[Id],
        Field(
            default_factory=list,
            max_length=MOST,
            description="Deliveries on record, of this integration",
        ),
    ]
    last: Annotated[
        int,
        Field(
            strict=True,
            ge=0,
            le=MOST,
            description="And so many of the newest on record, the rejected included",
        ),
        Whole,
    ] = 0

    model_config = example({"last": 10})


class MappingPreviewIn(SamplesIn):
    mapping: Annotated[
        MappingIn | None, Field(description="Left out: the one that is in force; null: none")
    ] = None


class TriedOut(Output):
    delivery_id: Annotated[Id | None, Field(description="Null of a payload that was given")]
    outcome_before: str | None
    status: Annotated[
        str, Field(description="signals, ignored, invalid, failed, or truncated: not kept whole")
    ]
    detail: str | None
    errors: list[FaultOut]
    signals: list[SignalOut]
    flags: list[str]


class MappingPreviewOut(Output):
    items: Annotated[
        list[TriedOut], Field(description="The payloads given, then those on record, newest first")
    ]


class FieldSuggestedOut(Output):
    field: Annotated[str, Field(description="Of the mapping; labels/host is one label")]
    expression: str
    confidence: Annotated[str, Field(description="sure, likely or guess")]
    reason: str
    found_in: Annotated[int, Field(description="Alerts among the samples that have it")]
    of: Annotated[int, Field(description="Alerts that the samples hold")]
    examples: list[Any]


class MappingSuggestionOut(Output):
    mapping: Annotated[
        JsonObject, Field(description="As an integration takes it; it is not in force")
    ]
    fields: list[FieldSuggestedOut]
    missing: Annotated[list[str], Field(description="What was not found, and what follows")]
    unknown_words: Annotated[
        dict[str, list[str]],
        Field(
            description="Words to put into the mapping's severities and kinds, with their meaning"
        ),
    ]
    alerts: Annotated[int, Field(description="That the samples hold")]
    unreadable: Annotated[int, Field(description="Deliveries on record that could not be used")]


@router.post("/suggest")
async def suggest_mapping(
    context: Context, caller: Responder, integration_id: Id, body: SamplesIn
) -> MappingSuggestionOut:
    """Proposes a mapping by what the payloads look like, with a reason for each field. Nothing is put
    in force."""
    async with context.reading() as session:
        row = await owned(session, Integration, caller, integration_id)
        stored = await webhooks_on_record(
            await session.connection(), integration_id, body.delivery_ids, body.last
        )
    if faults := _faults_of(row.type, {}):
        raise InvalidRequest(faults)
    found, unreadable = await suggest_for(body.payloads, stored)
    return MappingSuggestionOut(
        mapping=found.mapping,
        fields=[FieldSuggestedOut(**asdict(each)) for each in found.fields],
        missing=list(found.missing),
        unknown_words={table: list(words) for table, words in found.unknown_words.items()},
        alerts=found.samples,
        unreadable=unreadable,
    )


@router.post("/preview")
async def preview_mapping(
    context: Context, caller: Responder, integration_id: Id, body: MappingPreviewIn
) -> MappingPreviewOut:
    """Reads payloads by a mapping. Nothing is kept, nobody is notified, and duplicates are not looked
    for."""
    async with context.reading() as session:
        row = await owned(session, Integration, caller, integration_id)
        stored = await webhooks_on_record(
            await session.connection(), integration_id, body.delivery_ids, body.last
        )
        mapping = row.mapping
    if "mapping" in body.model_fields_set:
        asked = body.mapping
        mapping = None if asked is None else asked.model_dump(mode="json", exclude_unset=True)
    if faults := _faults_of(row.type, mapping):
        raise InvalidRequest(faults)
    sender = await context.senders.find(integration_id)
    if sender is None:
        raise not_found("integration")
    trial = with_mapping(sender, mapping)
    now = utc_now()
    tried = [await try_payload(trial, each, now) for each in body.payloads]
    tried += [await try_stored(trial, each) for each in stored]
    return MappingPreviewOut(items=[TriedOut(**each.document()) for each in tried])


def _faults_of(type: str, mapping: dict[str, Any] | None) -> list[Fault]:
    if mapping is None:
        return []
    if not SOURCES[type].takes_mapping:
        message = f"the source {type} knows its own fields and takes no mapping"
        return [Fault("/mapping", "not-taken", message)]
    return [
        Fault("/mapping" + fault.pointer, fault.code, fault.message)
        for fault in validate_mapping(mapping)
    ]
