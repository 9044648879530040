"""Two nodes that deliver, the services they deliver to, and somebody to set them up."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.story.fake_services import LOGIN, FakeServices, fake_services
from tests.story.operator import Operator
from tests.support import certificates
from tests.support.node import Node, nodes
from tests.support.workspace import Workspace


@dataclass(frozen=True)
class Installation:
    operator: Operator
    other_node: Node
    services: FakeServices


@contextmanager
def installation(workspace: Workspace, folder: Path) -> Iterator[Installation]:
    trusted = folder / "authority.pem"
    trusted.write_bytes(certificates.authority_pem())
    with (
        fake_services() as services,
        nodes(
            workspace.url,
            2,
            role="all",
            program="tests.story.rerouted",
            is_forked=True,
            environ={
                "SSL_CERT_FILE": str(trusted),
                "TOCSIN_TEST_PAGERDUTY": f"{services.url}/pagerduty/enqueue",
            },
            outbound_allow="127.0.0.0/8",
            smtp_url=f"smtp://{':'.join(LOGIN)}@localhost:{services.mail_port}",
            mail_from="Tocsin <hub@hub.example>",
        ) as (one, other),
    ):
        try:
            yield Installation(Operator(one, workspace, workspace.api_key()), other, services)
        finally:
            services.release_all()
