"""The two people of the demo: Nora is on call and never answers; after a minute Ben is paged. They take
turns at another schedule besides, which pages nobody and fills a calendar."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID

from tocsin.cli.calling.client import ApiClient
from tocsin.cli.kit.runtime import Installation
from tocsin.model import utc_now

POLICY, SCHEDULE, RULE = "checkout on call", "checkout", "page whoever is on call"
TURNS = "platform"
WAIT_SECONDS = 60
_PEOPLE = {"Nora": "nora@example.com", "Ben": "ben@example.com"}


def set_up_people(api: ApiClient, installation: Installation) -> None:
    """A schedule with one of them, a policy that goes on to the other, and a rule that names it; what
    a former demo left is used again."""
    if any(each["name"] == POLICY for each in api.items("/escalation-policies", limit=1_000)):
        return
    users: dict[str, str] = {}
    contacts: list[UUID] = []
    for name, address in _PEOPLE.items():
        user = api.post("/users", {"name": name, "email": address, "role": "responder"})
        users[name] = user["id"]
        method = api.post(
            f"/users/{user['id']}/contact-methods",
            {"type": "email", "config": {"recipients": [address]}},
        )
        contacts.append(UUID(method["id"]))
    # Nobody is there to type in the codes that were sent to them.
    asyncio.run(_verify(installation, contacts))
    schedule = api.post("/schedules", _schedule(users["Nora"]))
    turns = api.post("/schedules", _turns(users))
    api.post(f"/schedules/{turns['id']}/overrides", _override(users))
    policy = api.post(
        "/escalation-policies",
        {
            "name": POLICY,
            "steps": [
                {
                    "targets": [{"type": "schedule", "id": schedule["id"]}],
                    "wait_seconds": WAIT_SECONDS,
                },
                {"targets": [{"type": "user", "id": users["Ben"]}], "wait_seconds": 300},
            ],
        },
    )
    api.post(
        "/alert-rules",
        {
            "name": RULE,
            "event_types": ["alerts.triggered"],
            "min_severity": "CRITICAL",
            "destination_ids": [],
            "escalation_policy_id": policy["id"],
            "position": 5,
        },
    )


def _schedule(user_id: str) -> dict[str, Any]:
    """She is on call all week, since yesterday."""
    yesterday = (utc_now() - timedelta(days=1)).date()
    return {
        "name": SCHEDULE,
        "timezone": "UTC",
        "layers": [
            {
                "name": "weekly",
                "rotation": {
                    "unit": "weekly",
                    "length": 1,
                    "handoff_time": "00:00",
                    "starts_on": yesterday.isoformat(),
                },
                "participants": [[user_id]],
            }
        ],
    }


def _turns(users: dict[str, str]) -> dict[str, Any]:
    """Days and nights in turn; Ben besides has the working hours."""
    last_month = (utc_now() - timedelta(days=31)).date().isoformat()
    return {
        "name": TURNS,
        "timezone": "UTC",
        "layers": [
            {
                "name": "Days and nights",
                "rotation": {
                    "unit": "hours",
                    "length": 12,
                    "handoff_time": "08:00",
                    "starts_on": last_month,
                },
                "participants": [[users["Nora"]], [users["Ben"]], [users["Ben"]], [users["Nora"]]],
            },
            {
                "name": "Working hours",
                "rotation": {
                    "unit": "daily",
                    "length": 1,
                    "handoff_time": "08:00",
                    "starts_on": last_month,
                },
                "participants": [[users["Ben"]], [users["Nora"]], None],
                "restrictions": [
                    {"days": ["mon", "tue", "wed", "thu", "fri"], "start": "09:00", "end": "17:00"}
                ],
            },
        ],
    }


def _override(users: dict[str, str]) -> dict[str, Any]:
    """Tomorrow's night is taken over."""
    begin = (utc_now() + timedelta(days=1)).replace(hour=20, minute=0, second=0, microsecond=0)
    return {
        "kind": "cover",
        "substitute_user_id": users["Ben"],
        "starts_at": begin.isoformat(),
        "ends_at": (begin + timedelta(hours=12)).isoformat(),
        "comment": "Nora is at a concert",
    }


async def _verify(installation: Installation, contacts: list[UUID]) -> None:
    from tocsin.store.database import configuring, create_engine
    from tocsin.store.tables import AlertDestination

    engine = create_engine(installation.url, pool_size=1)
    try:
        async with configuring(engine) as session:
            for contact in contacts:
                row = await session.get(AlertDestination, contact)
                assert row is not None
                row.verified_at = utc_now()
    finally:
        await engine.dispose()
