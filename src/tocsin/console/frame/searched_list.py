"""Lists with a search field, page by page: what the address asks for, and where the next page is."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

from tocsin.console.frame.list_page import Found, page_or_first
from tocsin.store.paging import PageRequest

_LONGEST = 200


@dataclass(frozen=True, slots=True)
class Searched:
    """`q`: words to be found, or ""; `after`: the cursor of a page, or None for the first."""

    q: str
    after: str | None

    @classmethod
    def asked(cls, params: Mapping[str, str]) -> Searched:
        q = params.get("q", "").replace("\0", "").strip()[:_LONGEST]
        return cls(q, params.get("after", "")[:_LONGEST] or None)

    async def page(
        self, rows: int, look: Callable[[PageRequest, str | None], Awaitable[Found]]
    ) -> Found:
        """What `look` finds for a page request and the words, if there are any."""
        return await page_or_first(rows, self.after, lambda request: look(request, self.q or None))

    def more(self, next_cursor: str | None, path: str = "") -> str | None:
        """The address of the next page, if there is one; without a path, from where the reader is."""
        if next_cursor is None:
            return None
        return f"{path}?" + urlencode({"q": self.q, "after": next_cursor})
