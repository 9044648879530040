"""Escalation policies that are in use and would not wake everybody, over all workspaces."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tocsin.alerts.directory import DirectoryFeed
from tocsin.explain.escalation_forecast import look_ahead
from tocsin.explain.policy_readiness import WEEKS, readiness
from tocsin.model import utc_now
from tocsin.store.database import create_engine, reading


@dataclass(frozen=True, slots=True)
class CheckedPolicy:
    workspace: str
    name: str
    warnings: Sequence[str]


async def check_policies(url: str) -> Sequence[CheckedPolicy]:
    """Every policy that a rule names which is enabled.

    Raises:
        SQLAlchemyError: the database does not answer.
    """
    engine = create_engine(url, pool_size=2)
    found = []
    try:
        directory, now = await DirectoryFeed(engine).look(), utc_now()
        async with reading(engine) as session:
            for workspace_id, book in directory.on_call.items():
                table = directory.routing[workspace_id]
                used = {rule.escalation_policy_id for rule in table.rules if rule.is_enabled}
                for policy in book.policies.values():
                    if policy.id not in used:
                        continue
                    ahead = await look_ahead(session, policy, book, table, now, now + WEEKS)
                    state = await readiness(session, ahead, now, [""])
                    workspace = directory.workspaces[workspace_id]
                    called = workspace.slug or workspace.name
                    found.append(CheckedPolicy(called, policy.name, state.warnings))
    finally:
        await engine.dispose()
    return found
