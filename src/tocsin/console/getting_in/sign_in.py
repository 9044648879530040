"""Getting in by address and password, or by a link that works once."""

from __future__ import annotations

from http import HTTPStatus
from urllib.parse import unquote, urlsplit

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tocsin.access.passwords import LONGEST, SHORTEST, hash_password
from tocsin.access.sessions import (
    SESSION_LASTS,
    LinkPurpose,
    TooManyTries,
    UsableLink,
    begin_session,
    check_password,
    read_sign_in_link,
    spend_sign_in_link,
)
from tocsin.console.context import ConsoleContext
from tocsin.console.frame.render import SAID_COOKIE, go, page
from tocsin.console.getting_in.door import COOKIE, guarded, is_from_here, read_form, visitor_of
from tocsin.model import Secret, utc_now
from tocsin.resources.first_person import create_first_person
from tocsin.resources.password_reset import MailWay
from tocsin.resources.sign_in_links import replace_password
from tocsin.store.queries.sessions import is_anybody_there


def routes(context: ConsoleContext) -> list[Route]:
    sign_in = _SignIn(context)
    return [
        Route("/login", sign_in.answer, methods=["GET", "POST"]),
        Route("/enter/{token}", sign_in.enter, methods=["GET", "POST"]),
    ]


class _SignIn:
    def __init__(self, context: ConsoleContext) -> None:
        self._context = context

    async def answer(self, request: Request) -> Response:
        return await guarded(
            self._try(request) if request.method == "POST" else self._show(request)
        )

    async def enter(self, request: Request) -> Response:
        return await guarded(
            self._spend(request) if request.method == "POST" else self._show_link(request)
        )

    async def _show(
        self,
        request: Request,
        status: HTTPStatus = HTTPStatus.OK,
        said: str = "",
        email: str = "",
        wanted: str | None = None,
    ) -> Response:
        said = said or unquote(request.cookies.get(SAID_COOKIE, ""))
        if not said and await visitor_of(request, self._context, utc_now()) is not None:
            return go("/")
        async with self._context.reading() as session:
            nobody_yet = not await is_anybody_there(session)
        return page(
            "sign_in.html",
            status=status,
            said=said,
            is_wrong=status is not HTTPStatus.OK,
            email=email,
            next=inside(request.query_params.get("next", "") if wanted is None else wanted),
            nobody_yet=nobody_yet,
            mails=MailWay.of(self._context.settings) is not None,
            provider=None if self._context.openid is None else self._context.openid.provider.name,
        )

    async def _try(self, request: Request) -> Response:
        fields = dict(await read_form(request) or ())
        email, password = (
            fields.get("email", "").strip()[:254],
            fields.get("password", "")[:LONGEST],
        )
        wanted = inside(fields.get("next", ""))
        if not is_from_here(request):
            return await self._show(
                request, HTTPStatus.FORBIDDEN, "That form came from another site.", email, wanted
            )
        now = utc_now()
        async with self._context.writing() as session:
            found = await check_password(session, email, Secret(password), caller_of(request), now)
            if isinstance(found, TooManyTries):
                words = "Too many tries. Wait a quarter of an hour, or ask an admin for a link."
                return await self._show(request, HTTPStatus.TOO_MANY_REQUESTS, words, email, wanted)
            if found is not None:
                token = await begin_session(session, found.id, browser_of(request), now)
        if found is None:
            words = "The address or the password is wrong."
            return await self._show(request, HTTPStatus.UNAUTHORIZED, words, email, wanted)
        return signed_in(self._context, token, wanted or "/")

    async def _show_link(self, request: Request) -> Response:
        async with self._context.reading() as session:
            link = await read_sign_in_link(session, Secret(request.path_params["token"]), utc_now())
        return _link_gone() if link is None else _link_form(link)

    async def _spend(self, request: Request) -> Response:
        token = Secret(request.path_params["token"])
        fields = dict(await read_form(request) or ())
        now = utc_now()
        async with self._context.reading() as session:
            link = await read_sign_in_link(session, token, now)
        if link is None or not is_from_here(request):
            return _link_gone()
        faults = _faults(link, fields)
        if faults:
            return _link_form(link, fields, faults)
        password_hash = None
        if link.purpose is not LinkPurpose.SIGN_IN:
            password_hash = await hash_password(Secret(fields["password"]))
        async with self._context.configuring() as session:
            if not await spend_sign_in_link(session, token):
                return _link_gone()
            user_id = link.user_id
            if user_id is None:
                if password_hash is None or await is_anybody_there(session):
                    return _link_gone()
                user_id = await create_first_person(
                    session,
                    email=fields["email"].strip(),
                    name=fields["name"].strip(),
                    password_hash=password_hash,
                    now=now,
                )
            elif password_hash is not None:
                await replace_password(session, user_id, password_hash, now)
            made = await begin_session(session, user_id, browser_of(request), now)
        return signed_in(self._context, made, "/")


def signed_in(context: ConsoleContext, token: Secret, wanted: str) -> Response:
    """On to the address that was wanted, with a session from now on."""
    response = go(wanted)
    response.set_cookie(
        COOKIE,
        token.reveal_text(),
        max_age=int(SESSION_LASTS.total_seconds()),
        secure=context.settings.base_url.startswith("https://"),
        httponly=True,
        samesite="lax",
    )
    return response


def _link_form(
    link: UsableLink,
    values: dict[str, str] | None = None,
    faults: dict[str, str] | None = None,
) -> Response:
    heading, button, lead = {
        LinkPurpose.SET_UP: (
            "Set up Tocsin",
            "Make the account",
            "The first account is an admin's; it invites the others.",
        ),
        LinkPurpose.NEW_PASSWORD: ("A new password", "Set it and sign in", ""),
        LinkPurpose.SIGN_IN: ("Sign in", "Sign in", "This link works once."),
    }[link.purpose]
    given = values or {}
    return page(
        "set_up.html",
        status=HTTPStatus.UNPROCESSABLE_ENTITY if faults else HTTPStatus.OK,
        heading=heading,
        button=button,
        lead=lead,
        asks_who=link.purpose is LinkPurpose.SET_UP,
        asks_password=link.purpose is not LinkPurpose.SIGN_IN,
        least=SHORTEST,
        values={"name": given.get("name", ""), "email": given.get("email", "")},
        faults=faults or {},
    )


def _link_gone() -> Response:
    return page(
        "trouble.html",
        status=HTTPStatus.GONE,
        heading="This link does not work any more",
        words="It works once, and not for long. Ask for another, or have whoever runs this installation "
        "make one: tocsin user sign-in-link EMAIL, on the server.",
        link=("/login", "Sign in"),
    )


def _faults(link: UsableLink, fields: dict[str, str]) -> dict[str, str]:
    faults = {}
    if link.purpose is not LinkPurpose.SIGN_IN:
        length = len(fields.get("password", ""))
        if length < SHORTEST:
            faults["password"] = f"It has {length} characters; {SHORTEST} are the least."
        elif length > LONGEST:
            faults["password"] = f"At most {LONGEST} characters."
    if link.purpose is LinkPurpose.SET_UP:
        email = fields.get("email", "").strip()
        if not 3 <= len(email) <= 254 or "@" not in email[1:-1]:
            faults["email"] = "This is not an address, as in ana@example.com."
        if not 1 <= len(fields.get("name", "").strip()) <= 100:
            faults["name"] = "Say your name, as others know you."
    return faults


def inside(address: str) -> str:
    """An address of this server, or none: where to go after signing in comes from a link."""
    parts = urlsplit(address)
    if parts.scheme or parts.netloc or not address.startswith("/") or address.startswith("//"):
        return ""
    return "" if "\\" in address or any(ord(sign) < 32 for sign in address) else address


def caller_of(request: Request) -> str:
    return "unknown" if request.client is None else request.client.host


def browser_of(request: Request) -> str:
    return request.headers.get("user-agent", "")
