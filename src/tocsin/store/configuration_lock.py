"""The lock that keeps changes of configuration and commits of webhooks apart.

Every commit of webhooks holds it shared; whoever changes configuration holds it alone (the triggers
on its tables take it, too). Taken first, it makes looks at other rows (is this tenant ours? is this
destination still named by a rule?) hold until the commit, and two changes can never deadlock.
"""

from __future__ import annotations

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from tocsin.store.statements import parsed

KEY = 7238539205
"""As `configuration_changed` in the migrations has it; a test compares the two."""

SHARE = parsed("share_configuration", b"SELECT pg_advisory_xact_lock_shared(%d)" % KEY)
"""For a `Pipe`. The first statement of every batch and action: a change of rules or integrations
waits for it, or it sees all of the change."""

_HOLD = text(f"SELECT pg_advisory_xact_lock({KEY})")


async def hold(session: AsyncSession) -> None:
    """From now to the end of its transaction the session alone changes configuration."""
    await session.execute(_HOLD)
