"""The lock that keeps changes of configuration and commits of webhooks apart.

Every commit of webhooks holds it shared (`sql/lock_configuration.sql`); whoever changes configuration
holds it alone (the triggers on its tables take it, too). Taken first, it makes looks at other rows
(is this tenant ours? is this destination still named by a rule?) hold until the commit, and two
changes can never deadlock.
"""

from __future__ import annotations

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from tocsin.store.statements import statement

_HOLD = text(statement("hold_configuration").decode())


async def hold(session: AsyncSession) -> None:
    """From now to the end of its transaction the session alone changes configuration."""
    await session.execute(_HOLD)
