from __future__ import annotations

from uuid import uuid4

import pytest

from tests.api.conftest import Hub
from tocsin.store.paging import BadCursor, decode_cursor, encode_cursor


def test_pages_have_everything_once_newest_first(hub: Hub) -> None:
    made = [
        hub.admin.made("/tenants", {"slug": f"t-{number}", "name": f"T {number}"})["slug"]
        for number in range(7)
    ]
    seen, cursor = [], None
    while True:
        query = {"limit": 3} | ({"cursor": cursor} if cursor else {})
        page = hub.viewer.get("/tenants", **query).json()
        seen += [item["slug"] for item in page["items"]]
        if (cursor := page["next_cursor"]) is None:
            break
        assert len(page["items"]) == 3
    assert seen == [*reversed(made), "default"]


def test_a_new_item_does_not_move_the_pages_behind(hub: Hub) -> None:
    for number in range(4):
        hub.admin.made("/tenants", {"slug": f"t-{number}", "name": "T"})
    first = hub.viewer.get("/tenants", limit=2).json()
    hub.admin.made("/tenants", {"slug": "late", "name": "Late"})
    second = hub.viewer.get("/tenants", limit=2, cursor=first["next_cursor"]).json()
    assert [item["slug"] for item in second["items"]] == ["t-1", "t-0"]


def test_a_cursor_of_another_list_is_refused(hub: Hub) -> None:
    cursor = encode_cursor("alerts", uuid4())
    answer = hub.viewer.get("/tenants", cursor=cursor)
    assert (answer.status, answer.slug) == (400, "bad-cursor")


def test_a_cursor_that_was_changed_is_refused() -> None:
    place = uuid4()
    cursor = encode_cursor("tenants", place)
    assert decode_cursor("tenants", cursor) == place
    for index, letter in enumerate(cursor):
        other = "A" if letter != "A" else "B"
        with pytest.raises(BadCursor):
            decode_cursor("tenants", cursor[:index] + other + cursor[index + 1 :])


@pytest.mark.parametrize("cursor", ["", "x", "A" * 32, "A" * 33, "ä", "=" * 8, "../..", "A" * 200])
def test_a_cursor_that_is_none_is_refused(cursor: str) -> None:
    with pytest.raises(BadCursor):
        decode_cursor("tenants", cursor)
