"""Texts that are too long lose whole characters and whole addresses, in every channel."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin.delivery.channels.kit.addresses_in_text import pieces
from tocsin.delivery.channels.kit.escape import MARK, breakable, cut, slack
from tocsin.delivery.channels.kit.push_notice import cut_bytes
from tocsin.delivery.channels.kit.sms_text import fit
from tocsin.model.cutting import beginning, whole_place

FAMILY = "\U0001f468\u200d\U0001f469\u200d\U0001f467"
FLAG = "\U0001f1f3\U0001f1f4"
WAVE = "\U0001f44b\U0001f3fd"
HEART = "\u2764\ufe0f"
ACCENT = "e\u0301"
HINDI = "\u0939\u093f"
HANGUL = "\u1112\u1161\u11ab"
WHOLE = [FAMILY, FLAG, WAVE, HEART, ACCENT, HINDI, HANGUL, "a", " ", "\u05d0", "ü"]


@pytest.mark.parametrize("character", WHOLE)
def test_a_character_is_there_whole_or_not_at_all(character: str) -> None:
    text = character * 12
    for limit in range(2, len(text)):
        kept = cut(text, limit)
        assert len(kept) <= limit
        assert kept.endswith(MARK)
        assert kept[:-1] == (character * 12)[: len(kept) - 1]
        if len(character) < limit:
            assert len(kept[:-1]) % len(character) == 0 or character == " "


@given(st.lists(st.sampled_from(WHOLE), min_size=1, max_size=40), st.integers(1, 60))
def test_a_place_is_never_within_one(characters: list[str], end: int) -> None:
    text = "".join(characters)
    ends, at = {0}, 0
    for character in characters:
        at += len(character)
        ends.add(at)
    place = whole_place(text, min(end, len(text)))
    assert place <= end
    if end <= len(text) and max(map(len, characters)) <= end:
        assert place in ends


def test_what_is_no_character_of_any_language_is_cut_where_it_must_be() -> None:
    assert len(cut("a" + "\u0301" * 500, 200)) == 200


ADDRESS = "https://runbooks.example.com/disk?host=db-7&since=2026-03-01"


@pytest.mark.parametrize("limit", range(12, 90))
def test_an_address_is_there_whole_or_not_at_all(limit: int) -> None:
    text = f"Look here: {ADDRESS} and then call somebody who knows."
    for kept in (cut(text, limit), slack(text.replace("&", ""), limit)):
        found = [piece.text for piece in pieces(kept) if piece.is_address]
        assert ("https://" in kept) == bool(found)
        assert all(address in text.replace("&", "") + text for address in found)
    sms = fit("", f"{'x' * 100} {ADDRESS} {'y' * 400}", "", 1)
    assert "https" not in sms


def test_a_text_that_is_an_address_is_cut_and_says_so() -> None:
    kept = cut(ADDRESS, 30)
    assert kept == ADDRESS[:29] + MARK
    assert not [piece for piece in pieces(kept) if piece.is_address]


def test_by_bytes_too() -> None:
    assert cut_bytes(f"x{FAMILY}", 12) == "x…"
    assert cut_bytes("naïve", 20) == "naïve"
    assert cut_bytes(f"see {ADDRESS}", 40) == "see…"
    assert len(cut_bytes(HINDI * 50, 100).encode()) <= 100


def test_no_place_to_break_a_line_is_within_a_character() -> None:
    thai = "\u0e17\u0e35\u0e48" * 30
    assert all(
        not part.startswith(("\u0e35", "\u0e48")) for part in breakable(thai, 20).split("\u200b")
    )
    assert breakable(thai, 20).replace("\u200b", "") == thai


@given(st.text(max_size=80), st.integers(0, 100))
def test_what_is_kept_is_how_the_text_begins(text: str, end: int) -> None:
    kept = beginning(text, end)
    assert len(kept) <= end
    assert text.startswith(kept.rstrip())
