"""Addresses that sign in once: for the first start, for the demo, for who forgot a password."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tocsin.cli.kit.runtime import Installation


def set_up_link(installation: Installation, url: str) -> str | None:
    """Where the first account is made; None if somebody can sign in already."""
    import asyncio

    return asyncio.run(_set_up_link(installation, url))


def demo_link(installation: Installation, url: str, *, email: str, name: str) -> str:
    """Where the visitor of a demo is signed in, as an admin of all of it."""
    import asyncio

    return asyncio.run(_demo_link(installation, url, email, name))


async def _set_up_link(installation: Installation, url: str) -> str | None:
    from tocsin.access.sessions import LinkPurpose, make_sign_in_link
    from tocsin.model import utc_now
    from tocsin.store.database import create_engine, writing
    from tocsin.store.queries.sessions import is_anybody_there

    engine = create_engine(installation.url, pool_size=1)
    try:
        async with writing(engine) as session:
            if await is_anybody_there(session):
                return None
            token = await make_sign_in_link(session, LinkPurpose.SET_UP, None, utc_now())
    finally:
        await engine.dispose()
    return f"{url}/enter/{token.reveal_text()}"


async def _demo_link(installation: Installation, url: str, email: str, name: str) -> str:
    from tocsin.access.sessions import LinkPurpose, make_sign_in_link
    from tocsin.model import utc_now
    from tocsin.resources.first_person import create_first_person
    from tocsin.store.database import configuring, create_engine
    from tocsin.store.queries.sessions import find_person

    engine = create_engine(installation.url, pool_size=1)
    now = utc_now()
    try:
        async with configuring(engine) as session:
            person = await find_person(session, email)
            if person is None:
                user_id = await create_first_person(
                    session, email=email, name=name, password_hash=None, now=now
                )
            else:
                user_id = person.id
            token = await make_sign_in_link(session, LinkPurpose.SIGN_IN, user_id, now)
    finally:
        await engine.dispose()
    return f"{url}/enter/{token.reveal_text()}"
