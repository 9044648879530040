"""Rules as an installation has them after a year: one for each team, of which one is meant."""

from __future__ import annotations

import psycopg
from psycopg.types.json import Json

from bench.installation import Installation
from tocsin.model import EventType, uuid7

RULES, SILENCES = 50, 20
TEAM = "storage"
"""That of all webhooks of the benches."""


def notify_teams(installation: Installation) -> None:
    """A rule for each of fifty teams, each with a pattern besides. Nobody dispatches."""
    destination = uuid7()
    with psycopg.connect(installation.url) as connection:
        connection.execute(
            "INSERT INTO alert_destinations (id, workspace_id, name, type, config)"
            " VALUES (%s, %s, 'ops', 'webhook', %s)",
            (destination, installation.workspace_id, Json({"url": "http://127.0.0.1:9/"})),
        )
        for number in range(RULES):
            team = f"team-{number}" if number else TEAM
            matchers = [
                {"label": "team", "op": "=", "value": team},
                {"label": "host", "op": "=~", "value": r"db.*\.example"},
            ]
            connection.execute(
                "INSERT INTO alert_rules (id, workspace_id, name, event_types, matchers,"
                " destination_ids) VALUES (%s, %s, %s, %s, %s, %s)",
                (
                    uuid7(),
                    installation.workspace_id,
                    team,
                    [EventType.TRIGGERED.value],
                    Json(matchers),
                    [destination],
                ),
            )


def hold_and_group(installation: Installation) -> None:
    """Twenty silences, none of which holds what is sent, and all rules group by service."""
    with psycopg.connect(installation.url) as connection:
        for number in range(SILENCES):
            connection.execute(
                "INSERT INTO silences (id, workspace_id, matchers, starts_at, ends_at, author, comment)"
                " VALUES (%s, %s, %s, now(), now() + interval '1 day', 'Ada', '')",
                (
                    uuid7(),
                    installation.workspace_id,
                    Json([{"label": "host", "op": "=", "value": f"no-{number}"}]),
                ),
            )
        connection.execute("UPDATE alert_rules SET group_by = ARRAY['service']")
