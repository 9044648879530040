"""`tocsin serve`: the API, the webhook endpoint and the dispatcher, until asked to stop."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import replace
from enum import StrEnum
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from tocsin.cli.kit.exits import Exit, Failure
from tocsin.cli.kit.output import note, print_plain

if TYPE_CHECKING:
    from tocsin.cli.server.serving import Listener
    from tocsin.settings import Settings


class ServeRole(StrEnum):
    ALL = "all"
    WEB = "web"
    DISPATCH = "dispatch"


def serve(
    host: Annotated[
        str | None, typer.Option(help="Address to listen on; else TOCSIN_HOST, else 127.0.0.1.")
    ] = None,
    port: Annotated[
        int | None,
        typer.Option(min=0, max=65_535, help="0 is any free one; else TOCSIN_PORT, else 8480."),
    ] = None,
    workers: Annotated[int, typer.Option(min=1, max=256, help="Processes.")] = 1,
    role: Annotated[
        ServeRole,
        typer.Option(help="web: webhooks and the API. dispatch: delivery only. all: both."),
    ] = ServeRole.ALL,
) -> None:
    """Run the server. Ctrl-C or SIGTERM ends it after what it has begun; a second one at once."""
    from tocsin.cli.calling.socket_server import owner_socket
    from tocsin.cli.checkup.checks import answers
    from tocsin.cli.kit.runtime import load_settings, open_installation, open_or_awaited
    from tocsin.cli.server import serving
    from tocsin.cli.server.control import answering
    from tocsin.cli.server.server_file import announced
    from tocsin.cli.server.sign_in_links import set_up_link

    settings = configured = load_settings(is_service=True)
    listener = _listen(settings.host if host is None else host, port, settings.port)
    with listener:
        bound_host, bound_port = listener.getsockname()[:2]
        url = serving.url_of(listener)
        settings = replace(
            settings, host=bound_host, port=bound_port, public_url=settings.public_url or url
        )
        with (
            (
                open_installation(settings)
                if role is ServeRole.DISPATCH
                else open_or_awaited(settings)
            ) as installation,
            announced(settings.data_dir, url) as is_announced,
            serving.stopped_by_signals() as stopping,
            ExitStack() as stack,
        ):
            mail_listener = None
            if settings.mail_listen is not None and role is not ServeRole.DISPATCH:
                mail_listener = stack.enter_context(_listen_for_mail(*settings.mail_listen))
            owner_listener = None
            if is_announced:
                known = answers(configured, installation.url)
                stack.enter_context(answering(settings.data_dir, known))
                if role is not ServeRole.DISPATCH:
                    owner_listener = stack.enter_context(owner_socket(settings.data_dir))
            link = None
            if installation.prepare is None:
                link = set_up_link(installation, settings.public_url or url)
            ended_well = serving.run(
                installation,
                serving.Sockets(listener, owner_listener, mail_listener),
                role.value,
                partial(_say_ready, url, configured, role, mail_listener, link),
                stopping,
                workers,
            )
    if not ended_well:
        raise typer.Exit(Exit.FAILED)


def _say_ready(
    url: str,
    configured: Settings,
    role: ServeRole,
    mail_listener: Listener | None,
    link: str | None,
) -> None:
    from tocsin.cli.server import serving

    print_plain(f"Tocsin is ready at {url}")
    if mail_listener is not None:
        at = serving.address_of(mail_listener)
        note(f"Mail to addresses at {configured.mail_domain} is taken at {at}.")
    if link is not None:
        print_plain(f"Nobody can sign in yet. Make the first account, within a day: {link}")
    if configured.public_url is None and role is not ServeRole.WEB:
        note("TOCSIN_PUBLIC_URL is not set: links in messages lead to this machine.")


def _listen(host: str, port: int | None, configured_port: int) -> Listener:
    from tocsin.cli.server import serving

    wanted = configured_port if port is None else port
    try:
        return serving.listen(host, wanted)
    except serving.PortTaken:
        raise Failure(
            f"port {wanted} on {host} is taken, perhaps by another `tocsin serve`; stop that, or "
            f"choose another: tocsin serve --port {wanted + 1 if wanted < 65_535 else 0}"
        ) from None
    except OSError as error:
        raise Failure(f"cannot listen on {host}:{wanted}: {error.strerror or error}") from None


def _listen_for_mail(host: str, port: int) -> Listener:
    from tocsin.cli.server import serving

    try:
        return serving.listen(host, port)
    except serving.PortTaken:
        raise Failure(
            f"port {port} on {host} is taken, perhaps by a mail server of this machine; let "
            "TOCSIN_MAIL_LISTEN name another, and have that server pass mail on to it"
        ) from None
    except OSError as error:
        reason = error.strerror or str(error)
        hint = "; a port below 1024 needs the right to it" if 0 < port < 1024 else ""
        raise Failure(f"cannot listen for mail on {host}:{port}: {reason}{hint}") from None
