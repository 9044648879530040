"""What each worker process of `tocsin serve --workers` makes: the application, and a watch on the
parent. Workers without their parent would hold on to a database that is about to stop."""

from __future__ import annotations

import os
import signal
import threading
import time

from tocsin.app import Asgi, worker

_LOOK_SECONDS = 0.5


def create() -> Asgi:
    """Raises:
    KeyError: if this is not a worker of `tocsin serve`.
    """
    parent = int(os.environ["TOCSIN_WORKER_PARENT"])
    threading.Thread(target=_follow, args=(parent,), name="parent", daemon=True).start()
    return worker()


def _follow(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(_LOOK_SECONDS)
    os.kill(os.getpid(), signal.SIGTERM)
