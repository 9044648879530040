"""What each worker process of `tocsin serve --workers` makes: the application, and a watch on the
parent. Workers without their parent would hold on to a database that is about to stop.

The parent hands over what a worker needs through the pipe on which a process is started, never
through the environment or the arguments: those can be read in `/proc` for as long as it runs.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from dataclasses import dataclass
from socket import socket
from typing import TYPE_CHECKING

from tocsin.cli.kit.runtime import Installation
from tocsin.memory import collect_rarely

if TYPE_CHECKING:
    from tocsin.app import Asgi

_LOOK_SECONDS = 0.5


@dataclass(frozen=True)
class Worker:
    """An application factory that can be sent to another process."""

    installation: Installation
    role: str
    parent: int
    """Its process id; a worker ends with it."""
    owner_listener: socket | None
    """Where commands of the data folder's owner are answered, if anywhere."""
    mail_listener: socket | None
    """Where mail is taken, if anywhere."""

    def __call__(self) -> Asgi:
        collect_rarely()
        threading.Thread(target=_follow, args=(self.parent,), name="parent", daemon=True).start()
        # Imported here: when this object arrives, nobody answers yet for the worker's health.
        from tocsin.app import application
        from tocsin.cli.calling.socket_server import answering_owner
        from tocsin.hub import Hub, ProcessRole
        from tocsin.logs import configure_logs

        configure_logs(self.installation.settings)
        app = application(
            Hub.build(
                self.installation.settings,
                self.installation.url,
                self.installation.keys,
                ProcessRole(self.role),
                prepare=self.installation.prepare,
            ),
            self.mail_listener,
        )
        return answering_owner(app, self.installation, self.owner_listener)


def _follow(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(_LOOK_SECONDS)
    os.kill(os.getpid(), signal.SIGTERM)
