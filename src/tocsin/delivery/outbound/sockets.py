"""The guard for libraries that open their own sockets (Apprise): an audit hook on `connect` and `open`.

Our own connections are guarded where their sockets are made (`connections.py`). A library that makes
its own has no such place; but CPython raises an audit event with the address before every connect,
and a hook that raises stops it. What applies is kept in a context variable, which worker threads
inherit; without it the hook lets everything pass, so the rest of the program pays one comparison per
event and no more.
"""

from __future__ import annotations

import os
import site
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

from tocsin.delivery.outbound.addresses import AddressBlocked, AddressPolicy, Reach

# Events that carry (socket, address); then ways out that a notification never needs.
_SENDS = frozenset({"socket.connect", "socket.sendto", "socket.sendmsg"})
_NEVER = frozenset(
    {"subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.spawn", "os.fork"}
    | {"os.forkpty", "pty.spawn", "ctypes.dlopen", "socket.bind"}
)
_WATCHED = _SENDS | _NEVER | {"open"}
# What a program reads on its own account: its modules, certificates, zones and types of files.
_READABLE = tuple(
    os.path.join(os.path.realpath(place), "")
    for place in {
        sys.prefix,
        sys.base_prefix,
        os.path.dirname(os.__file__),
        *site.getsitepackages(),
    }
    | {"/etc/ssl", "/usr/share/zoneinfo", "/usr/share/ca-certificates", "/etc/pki"}
)
_READABLE_FILES = frozenset({"/etc/mime.types", "/dev/null", "/dev/urandom"})
_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


class FileBlocked(PermissionError):
    """No file may be opened here. Its text never holds the path."""


@dataclass(slots=True)
class Watch:
    """What one guarded call may reach, and whether it tried for more."""

    policy: AddressPolicy
    reachable: frozenset[Reach]
    blocked: bool = field(default=False)

    def check(self, address: Any) -> None:
        # A name in place of an address would be looked up after the check; a path is a local
        # service. Neither is an address, so both are blocked.
        host = address[0] if isinstance(address, tuple) and address else ""
        if not isinstance(host, str) or self.policy.judge(host) not in self.reachable:
            self.blocked = True
            raise AddressBlocked("blocked address")


_watch: ContextVar[Watch | None] = ContextVar("tocsin_outbound_watch", default=None)
_lock = threading.Lock()
_installed = False


@contextmanager
def guarded(policy: AddressPolicy, *, public: bool) -> Iterator[Watch]:
    """Within it, this context's connections reach only what `policy` lets them; with `public`
    False only the operator's networks. A hook cannot be taken out again, so it goes in at first
    use."""
    _install()
    reachable = {Reach.ALLOWED, Reach.PUBLIC} if public else {Reach.ALLOWED}
    watch = Watch(policy, frozenset(reachable))
    token = _watch.set(watch)
    try:
        yield watch
    finally:
        _watch.reset(token)


def _install() -> None:
    global _installed
    with _lock:
        if not _installed:
            sys.addaudithook(_hook)
            _installed = True


def _hook(event: str, arguments: tuple[Any, ...]) -> None:
    if event not in _WATCHED:
        return
    watch = _watch.get()
    if watch is None:
        return
    if event == "open":
        _check_file(arguments[0], arguments[2])
        return
    if event in _NEVER:
        watch.blocked = True
        raise AddressBlocked("not a connection")
    watch.check(arguments[1])


def _check_file(path: Any, flags: Any) -> None:
    """A notification never needs files, neither to send nor to write."""
    if isinstance(path, int):
        return  # open already
    name = os.path.realpath(os.fsdecode(path))
    if isinstance(flags, int) and flags & _WRITES and name != "/dev/null":
        raise FileBlocked("a file must not be written here")
    if not name.startswith(_READABLE) and name not in _READABLE_FILES:
        raise FileBlocked("a file must not be read here")
