from __future__ import annotations

from ipaddress import ip_network

import pytest

from tocsin.delivery.outbound import AddressPolicy, Reach, UrlRefused, check_url, parse_url, shown

METADATA = ["169.254.169.254", "100.100.100.200", "192.0.0.192", "168.63.129.16", "fd00:ec2::254"]


def policy(*networks: str) -> AddressPolicy:
    return AddressPolicy.of(ip_network(network) for network in networks)


@pytest.mark.parametrize("address", METADATA)
def test_metadata_stays_blocked_whatever_is_allowed(address: str) -> None:
    everything = policy("0.0.0.0/0", "::/0")

    assert everything.judge(address) is Reach.BLOCKED


@pytest.mark.parametrize(
    "disguise",
    [
        "::ffff:169.254.169.254",
        "::169.254.169.254",
        "::ffff:0:a9fe:a9fe",
        "64:ff9b::a9fe:a9fe",
        "64:ff9b:1::a9fe:a9fe",
        "2002:a9fe:a9fe::1",
        # Teredo keeps the client's address inverted: 5601:5601 is 169.254.169.254.
        "2001:0:4136:e378:8000:63bf:5601:5601",
    ],
)
def test_metadata_in_another_address_stays_blocked(disguise: str) -> None:
    assert policy("0.0.0.0/0", "::/0").judge(disguise) is Reach.BLOCKED


def test_an_allowed_network_is_reachable_and_its_neighbour_is_not() -> None:
    allowed = policy("10.20.0.0/16")

    assert allowed.judge("10.20.255.1") is Reach.ALLOWED
    assert allowed.judge("10.21.0.1") is Reach.BLOCKED
    assert allowed.judge("8.8.8.8") is Reach.PUBLIC


def test_an_allowed_ipv4_network_holds_its_addresses_in_mapped_form() -> None:
    assert policy("10.20.0.0/16").judge("::ffff:10.20.0.1") is Reach.ALLOWED
    assert policy("::ffff:10.20.0.0/112").judge("10.20.0.1") is Reach.ALLOWED


def test_allowing_a_translator_does_not_allow_what_is_behind_it() -> None:
    allowed = policy("64:ff9b::/96")

    assert allowed.judge("64:ff9b::808:808") is Reach.PUBLIC
    assert allowed.judge("64:ff9b::a00:1") is Reach.BLOCKED


@pytest.mark.parametrize("text", ["", "localhost", "127.1", "2130706433", "1.2.3.4.5", "::g"])
def test_what_is_no_address_is_blocked(text: str) -> None:
    assert policy("0.0.0.0/0", "::/0").judge(text) is Reach.BLOCKED


@pytest.mark.parametrize(
    "url",
    [
        "https://2130706433/",
        "https://0x7f000001/",
        "https://0x7f.1/",
        "https://017700000001/",
        "https://127.1/",
        "https://127.0.0.1./",
        "https://①27.0.0.1/",
        "https://127。0。0。1/",
        "https://[fe80::1%25eth0]/",
        "https://[::ffff:127.0.0.1/",
        "https://[v1.x]/",
        "https://exa mple.com/",
        "https://example.com\\@127.0.0.1/",
        "https://example.com/\r\nHost: evil",
        "https://example.com/\x00",
        "https:///path",
        "https://example.com:0/",
        "https://example.com:99999/",
        "https://-example.com/",
        "https://" + "a" * 64 + ".example/",
        "ftp://example.com/",
        "file:///etc/passwd",
        "gopher://example.com/",
        "//example.com/",
        "example.com",
        "",
        "https://example.com/" + "a" * 9_000,
        "https://example.com/\ud800",
        "https://user:\udfff@example.com/",
    ],
)
def test_a_url_that_hides_or_breaks_something_is_refused(url: str) -> None:
    with pytest.raises(UrlRefused) as refused:
        parse_url(url)

    host = url.partition("//")[2].partition("/")[0]
    assert not host or host not in refused.value.message


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://example.com", "example.com"),
        ("https://EXAMPLE.com./x", "example.com."),
        ("https://bücher.example/", "xn--bcher-kva.example"),
        ("https://[2606:4700:4700::1111]/", "2606:4700:4700::1111"),
        ("http://127.0.0.1:8080/hook", "127.0.0.1"),
        ("https://my_host.internal/", "my_host.internal"),
    ],
)
def test_an_ordinary_url_is_taken(url: str, host: str) -> None:
    assert parse_url(url).host == host


def test_a_signed_url_is_kept_byte_for_byte() -> None:
    signed = "/a%2Fb;c/d?sp=%2Ftriggers%2F&sv=1.0&sig=A-b_%2Bc%3D"

    assert parse_url(f"https://x.example:443{signed}").target == signed


def test_userinfo_becomes_a_header_and_leaves_the_url() -> None:
    target = parse_url("https://user:p%40ss@example.com/x")

    assert (target.authority, target.target) == ("example.com", "/x")
    assert target.authorization == "Basic dXNlcjpwQHNz"
    assert "dXNl" not in repr(target)


def test_an_address_is_judged_when_it_is_entered() -> None:
    with pytest.raises(UrlRefused, match="TOCSIN_OUTBOUND_ALLOW"):
        check_url("https://10.0.0.1/", policy())
    with pytest.raises(UrlRefused, match="https://"):
        check_url("http://8.8.8.8/", policy())
    check_url("http://10.0.0.1/", policy("10.0.0.0/8"))
    check_url("https://8.8.8.8/", policy())


def test_what_is_shown_of_a_url_holds_no_secret() -> None:
    assert shown("https://u:p@hooks.example:8443/services/T1/B2/s3cr3t?sig=x") == (
        "https://hooks.example:8443/…"
    )
    assert shown("not a url s3cr3t") == "…"
