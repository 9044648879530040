"""Getting in by a provider of OpenID Connect: the way there, and the way back.

What must be remembered meanwhile is in a cookie, sealed, of the browser that went: an answer that comes
to another browser is to no question of its.
"""

from __future__ import annotations

import structlog
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tocsin.access.openid import FLOW_LASTS, NotSignedIn, SignInFlow, begin_flow
from tocsin.access.sessions import begin_session
from tocsin.access.vault import VaultError
from tocsin.console.context import ConsoleContext
from tocsin.console.frame.render import go
from tocsin.console.getting_in.door import guarded
from tocsin.console.getting_in.sign_in import browser_of, inside, signed_in
from tocsin.model import Secret, utc_now
from tocsin.resources.openid_people import Admitted, admit
from tocsin.resources.openid_provider import CALLBACK, OpenIdClient

log = structlog.get_logger(__name__)

BEGINS = "/login/openid"
_COOKIE = "tocsin_openid"
_LONGEST = 4_000


def routes(context: ConsoleContext) -> list[Route]:
    if context.openid is None:
        return []
    door = _OpenIdDoor(context, context.openid)
    return [
        Route(BEGINS, door.go_there, methods=["GET"]),
        Route(CALLBACK, door.come_back, methods=["GET"]),
    ]


class _OpenIdDoor:
    def __init__(self, context: ConsoleContext, client: OpenIdClient) -> None:
        self._context = context
        self._client = client

    async def go_there(self, request: Request) -> Response:
        return await guarded(self._begin(request))

    async def come_back(self, request: Request) -> Response:
        response = await guarded(self._end(request))
        response.delete_cookie(_COOKIE, path=BEGINS)
        return response

    async def _begin(self, request: Request) -> Response:
        now = utc_now()
        flow = begin_flow(inside(request.query_params.get("next", "")), now)
        address = await self._client.address(flow, now)
        if isinstance(address, NotSignedIn):
            return _refused(address)
        response = go(address)
        response.set_cookie(
            _COOKIE,
            self._context.vault.seal(flow.document()).decode(),
            max_age=int(FLOW_LASTS.total_seconds()),
            path=BEGINS,
            secure=self._context.settings.base_url.startswith("https://"),
            httponly=True,
            # The way back begins at the provider, and is a plain GET: that much Lax lets through.
            samesite="lax",
        )
        return response

    async def _end(self, request: Request) -> Response:
        answer = request.query_params
        now = utc_now()
        flow = self._flow_of(request)
        if flow is None or not flow.is_answered_by(answer.get("state", ""), now):
            words = "That took too long, or began in another browser or tab. Begin again here."
            return _refused(NotSignedIn(words, "no flow with this state is under way"))
        if "code" not in answer:
            return _refused(_declined(answer.get("error", "")))
        found = await self._client.redeem(answer["code"][:_LONGEST], answer.get("iss"), flow, now)
        if isinstance(found, NotSignedIn):
            return _refused(found)
        async with self._context.configuring() as session:
            admitted = await admit(session, found.identity, self._client.provider.roles, now)
            if isinstance(admitted, Admitted):
                token = await begin_session(
                    session,
                    admitted.user_id,
                    browser_of(request),
                    now,
                    provider_token=self._context.vault.seal(found.id_token),
                )
        if isinstance(admitted, NotSignedIn):
            return _refused(admitted)
        return signed_in(self._context, token, flow.wanted or "/")

    def _flow_of(self, request: Request) -> SignInFlow | None:
        sealed = request.cookies.get(_COOKIE, "")
        if not sealed or len(sealed) > _LONGEST:
            return None
        try:
            return SignInFlow.of(self._context.vault.open(sealed.encode()))
        except VaultError:
            return None


async def sign_out_address(context: ConsoleContext, sealed: bytes | None) -> str | None:
    """Where somebody whose session began at the provider signs out there, too."""
    if sealed is None or context.openid is None:
        return None
    try:
        id_token: Secret = context.vault.open(sealed)
    except VaultError:
        return None
    return await context.openid.end_session_address(id_token, utc_now())


def _declined(error: str) -> NotSignedIn:
    """What the provider said instead of a code. Its description is not shown: a link says anything."""
    words = {
        "access_denied": "You were not let in by the provider, or said no there.",
        "login_required": "The provider wants you to sign in there first.",
        "temporarily_unavailable": "The provider cannot answer just now. Try again in a moment.",
    }
    return NotSignedIn(
        words.get(
            error,
            "The provider could not sign you in. Whoever runs this installation finds more in the log.",
        ),
        f"the provider answered with the error {error[:100]!r}",
    )


def _refused(refusal: NotSignedIn) -> Response:
    log.warning("single sign-on was refused", cause=refusal.cause)
    return go("/login", refusal.words)
