"""Two nodes that deliver, the world outside, and somebody to set them up; shared by the stories."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.delivery import certificates
from tests.story.desk import Desk
from tests.story.outside import LOGIN, Outside, outside
from tests.story.server import Node, nodes
from tests.story.site import Site


@dataclass(frozen=True)
class Stage:
    desk: Desk
    other_node: Node
    outside: Outside


@contextmanager
def stage(site: Site, folder: Path) -> Iterator[Stage]:
    trusted = folder / "authority.pem"
    trusted.write_bytes(certificates.authority_pem())
    with (
        outside() as world,
        nodes(
            site.url,
            2,
            role="all",
            program="tests.story.rerouted",
            environ={
                "SSL_CERT_FILE": str(trusted),
                "TOCSIN_TEST_PAGERDUTY": f"{world.url}/pagerduty/enqueue",
            },
            outbound_allow="127.0.0.0/8",
            smtp_url=f"smtp://{':'.join(LOGIN)}@localhost:{world.mail_port}",
            mail_from="Tocsin <hub@hub.example>",
        ) as (one, other),
    ):
        try:
            yield Stage(Desk(one, site, site.api_key()), other, world)
        finally:
            world.release_all()
