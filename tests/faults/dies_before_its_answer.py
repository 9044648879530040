"""`tocsin` whose server dies (SIGKILL) when a mail is committed, before it says so."""

from __future__ import annotations

import os
import signal
from typing import Any

from tocsin.cli import main
from tocsin.ingest.inbound.mail.taking import MailTaker

_take = MailTaker.take


async def _and_die(self: MailTaker, *arguments: Any) -> str:
    reply = await _take(self, *arguments)
    if reply.startswith("250 "):
        os.kill(os.getpid(), signal.SIGKILL)
    return reply


if __name__ == "__main__":
    MailTaker.take = _and_die  # type: ignore[method-assign]
    main()
