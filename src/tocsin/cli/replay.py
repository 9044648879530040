"""`tocsin replay`: take in a stored webhook again, as integrations and rules are today."""

from __future__ import annotations

from typing import Annotated

import typer

from tocsin.cli.kit.arguments import WebhookDeliveryId
from tocsin.cli.kit.output import Json, print_json
from tocsin.cli.kit.runtime import DEFAULT_WORKSPACE, Workspace
from tocsin.cli.replay_view import show_replay


def replay(
    delivery_id: WebhookDeliveryId,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only show what would come of it, and what differs.")
    ] = False,
    accept_unverified: Annotated[
        bool,
        typer.Option("--accept-unverified", help="Accept a delivery whose signature did not hold."),
    ] = False,
    workspace: Workspace = DEFAULT_WORKSPACE,
    json: Json = False,
) -> None:
    """Take in a stored webhook delivery again, through today's mapping and rules."""
    from tocsin.cli.calling.choose import open_api
    from tocsin.cli.kit.lookup import one_id

    asked = {"dry_run": dry_run, "accept_unverified": accept_unverified}
    with open_api(workspace) as api:
        found = one_id(api, "/webhook-deliveries", "webhook delivery", delivery_id)
        result = api.post(f"/webhook-deliveries/{found}/replay", asked)
    if json:
        print_json(result)
    else:
        show_replay(result)
