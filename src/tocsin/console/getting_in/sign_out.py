"""Getting out: of this session, and of the provider that it began at."""

from __future__ import annotations

from starlette.responses import Response
from starlette.routing import Route

from tocsin.console.context import ConsoleContext
from tocsin.console.frame.render import go, page
from tocsin.console.getting_in.door import COOKIE, Call, opened
from tocsin.console.getting_in.openid_door import sign_out_address
from tocsin.store.queries.sessions import end_session


def routes(context: ConsoleContext) -> list[Route]:
    return [Route("/logout", opened(context, _sign_out), methods=["POST"])]


async def _sign_out(call: Call) -> Response:
    visitor = call.visitor
    async with call.context.writing() as session:
        provider_token = await end_session(session, visitor.user_id, visitor.session_id)
    address = await sign_out_address(call.context, provider_token)
    response = go("/login") if address is None else _ask_about_provider(call, address)
    response.delete_cookie(COOKIE)
    return response


def _ask_about_provider(call: Call, address: str) -> Response:
    """A link, and no redirect: other things are signed in there, too; and the policy of our pages lets
    no form lead elsewhere."""
    provider = call.context.settings.oidc_name
    return page(
        "trouble.html",
        heading="You are signed out of Tocsin",
        words=f"You are still signed in at {provider}: the next sign-in may ask for no password.",
        link=(address, f"Sign out of {provider}, too"),
        calm=True,
    )
