from __future__ import annotations

import base64
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.outbox import KEY
from tocsin.access.links import Expired, Invalid, LinkAction, LinkSigner, Token
from tocsin.model import Secret, uuid7

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
OTHER_KEY = Secret(base64.urlsafe_b64encode(b"another key of thirty-two bytes!"))
SIGNER = LinkSigner([KEY])

tokens = st.builds(
    Token,
    subject_id=st.uuids(),
    action=st.sampled_from(LinkAction),
    destination_id=st.uuids(),
    recipient=st.text(st.characters(exclude_categories=["Cs"]), max_size=100),
    expires_at=st.integers(1, 2**32 - 1).map(lambda at: datetime.fromtimestamp(at, UTC)),
)


def token(**changes: object) -> Token:
    values = {
        "subject_id": uuid7(),
        "action": LinkAction.ACKNOWLEDGE,
        "destination_id": uuid7(),
        "recipient": "ana@example.com",
        "expires_at": NOW + timedelta(hours=24),
    }
    return Token(**{**values, **changes})  # type: ignore[arg-type]


@given(tokens)
def test_what_was_signed_is_read_back(token: Token) -> None:
    text = SIGNER.sign(token)
    before = token.expires_at - timedelta(seconds=1)
    assert SIGNER.read(text, before) == token
    assert SIGNER.read(text, token.expires_at) == Expired(token)


@given(tokens, st.data())
def test_no_changed_character_passes(token: Token, data: st.DataObject) -> None:
    text = SIGNER.sign(token)
    place = data.draw(st.integers(0, len(text) - 1))
    other = data.draw(st.characters(codec="ascii").filter(lambda c: c != text[place]))
    changed = text[:place] + other + text[place + 1 :]
    assert SIGNER.read(changed, NOW) == Invalid()


@given(st.text(max_size=400))
def test_anything_else_is_invalid(text: str) -> None:
    assert SIGNER.read(text, NOW) == Invalid()


def test_another_installations_token_is_invalid() -> None:
    assert LinkSigner([OTHER_KEY]).read(SIGNER.sign(token()), NOW) == Invalid()


def test_after_a_rotation_old_links_still_work() -> None:
    rotated = LinkSigner([OTHER_KEY, KEY])
    made = token()
    old = SIGNER.sign(made)
    assert rotated.read(old, NOW) == made
    assert rotated.is_code(old, SIGNER.code(old))
    assert rotated.sign(made) != old


def test_a_message_has_one_code_and_each_reader_an_own_one() -> None:
    made = token()
    code = SIGNER.code(SIGNER.sign(made))
    assert len(code) == 4
    assert code.isdigit()
    resolve = token(
        action=LinkAction.RESOLVE, subject_id=made.subject_id, destination_id=made.destination_id
    )
    assert SIGNER.code(SIGNER.sign(resolve)) == code
    codes = {
        SIGNER.code(SIGNER.sign(token(recipient=f"r{n}@example.com", subject_id=made.subject_id)))
        for n in range(50)
    }
    assert len(codes) > 40


def test_the_code_is_nowhere_in_the_link() -> None:
    found = 0
    for _ in range(300):
        text = SIGNER.sign(token())
        found += SIGNER.code(text) in text
    assert found <= 1


@pytest.mark.parametrize("typed", ["", "1", "12345", "abcd", "１２３４"])
def test_what_is_not_the_code_is_not_taken_for_it(typed: str) -> None:
    assert not SIGNER.is_code(SIGNER.sign(token()), typed)


def test_no_code_for_a_token_that_is_not_ours() -> None:
    with pytest.raises(ValueError, match="not a token"):
        SIGNER.code("nonsense")


def test_another_action_of_a_message_takes_its_code_also_after_a_change_of_keys() -> None:
    viewing = token(action=LinkAction.VIEW)
    text = SIGNER.sign(viewing)
    renewed = LinkSigner([OTHER_KEY, KEY])

    other = renewed.for_action(text, LinkAction.RESOLVE)
    assert renewed.read(other, NOW) == replace(viewing, action=LinkAction.RESOLVE)
    assert renewed.code(other) == SIGNER.code(text)
    assert renewed.episode(other) == SIGNER.episode(text)
    with pytest.raises(ValueError, match="not a token of ours"):
        renewed.for_action(text[:-2], LinkAction.RESOLVE)
