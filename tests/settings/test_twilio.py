"""The installation's own account at Twilio, as settings say it."""

from __future__ import annotations

import pytest

from tocsin.settings import SettingsError, load

URL = "https://AC0123:s3cret@api.twilio.com"


def test_an_account_and_a_sender_make_one() -> None:
    settings = load({"TOCSIN_TWILIO_URL": f"{URL}/", "TOCSIN_TWILIO_FROM": "+15550100000"})

    account = settings.twilio
    assert account is not None
    assert (account.base_url, account.account_sid) == ("https://api.twilio.com", "AC0123")
    assert account.auth_token.reveal_text() == "s3cret"
    assert account.sender == "+15550100000"
    assert "s3cret" not in repr(settings) + repr(account)
    assert load({}).twilio is None


@pytest.mark.parametrize(
    ("environ", "says"),
    [
        ({"TOCSIN_TWILIO_URL": URL}, "must be set together"),
        ({"TOCSIN_TWILIO_FROM": "+15550100000"}, "must be set together"),
        (
            {"TOCSIN_TWILIO_URL": "https://api.twilio.com", "TOCSIN_TWILIO_FROM": "+1"},
            "must read https://ACCOUNT_SID:AUTH_TOKEN@api.twilio.com",
        ),
    ],
)
def test_what_is_missing_is_said_without_the_secret(environ: dict[str, str], says: str) -> None:
    with pytest.raises(SettingsError) as refused:
        load(environ)

    assert says in str(refused.value)
    assert "s3cret" not in str(refused.value)
