"""Why a request about what people configure is refused, from whichever interface it comes.

    ResourceError
    ├── NotInWorkspace     there is no such thing
    ├── MissingReference   the request names something else that is not there
    ├── InvalidRequest     something in the request is wrong
    ├── StillNeeded        it cannot be deleted
    └── NotPermitted       not by this caller

A name that is taken is `NameTaken` of `store/workspace_rows.py`: only the write itself can tell.
"""

from __future__ import annotations

from collections.abc import Sequence

from tocsin.model import Fault


class ResourceError(Exception):
    pass


class NotInWorkspace(ResourceError):
    def __init__(self, kind: str) -> None:
        super().__init__(kind)
        self.kind = kind


class MissingReference(ResourceError):
    """`pointer` is the place in the request."""

    def __init__(self, kind: str, pointer: str) -> None:
        super().__init__(f"{kind} at {pointer}")
        self.kind = kind
        self.pointer = pointer


class InvalidRequest(ResourceError):
    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__(", ".join(fault.pointer for fault in faults))
        self.faults = tuple(faults)


class StillNeeded(ResourceError):
    """`reason` says what by."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class NotPermitted(ResourceError):
    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
