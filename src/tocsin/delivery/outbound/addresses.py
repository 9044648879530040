"""Which addresses an outgoing connection may go to. Pure: no look-ups, no clock.

`ipaddress.is_global` is not enough: it lets multicast, NAT64, 6to4 and Azure's platform address
through. So IPv4 is an explicit deny table, and of IPv6 only global unicast (2000::/3) is let
through, less what is cut out of it (IANA special-purpose address registries).
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum

IPv4 = ipaddress.IPv4Address
IPv6 = ipaddress.IPv6Address
Address = IPv4 | IPv6
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def _v4(*networks: str) -> tuple[ipaddress.IPv4Network, ...]:
    return tuple(ipaddress.IPv4Network(network) for network in networks)


def _v6(*networks: str) -> tuple[ipaddress.IPv6Network, ...]:
    return tuple(ipaddress.IPv6Network(network) for network in networks)


_DENIED_V4 = _v4(
    "0.0.0.0/8",  # "this host"; Linux connects 0.0.0.0 to the loopback
    "10.0.0.0/8",
    "100.64.0.0/10",  # carrier-grade NAT
    "127.0.0.0/8",
    "169.254.0.0/16",
    "172.16.0.0/12",
    "192.0.0.0/24",
    "192.0.2.0/24",
    "192.88.99.0/24",  # 6to4 relays
    "192.168.0.0/16",
    "198.18.0.0/15",  # benchmarks
    "198.51.100.0/24",
    "203.0.113.0/24",
    "224.0.0.0/3",  # multicast, reserved, broadcast
)
_GLOBAL_V6 = ipaddress.IPv6Network("2000::/3")
_DENIED_V6 = _v6(
    "2001::/23",  # Teredo, ORCHID, benchmarks
    "2001:db8::/32",
    "2002::/16",  # 6to4: an IPv4 address inside
    "3fff::/20",
)

# Where clouds hand out credentials to anything that asks from inside: never reachable, whatever network
# an operator allows. 168.63.129.16 is Azure's, and looks public.
_METADATA = frozenset(
    ipaddress.ip_address(address)
    for address in (
        "169.254.169.254",
        "169.254.169.253",
        "169.254.170.2",
        "169.254.170.23",
        "100.100.100.200",
        "192.0.0.192",
        "168.63.129.16",
        "fd00:ec2::254",
        "fd00:ec2::253",
        "fd00:ec2::23",
        "fd20:ce::254",
    )
)

# Prefixes whose last 32 bits are an IPv4 address that a translator would connect to.
_MAPPED = ipaddress.IPv6Network("::ffff:0:0/96")
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_CARRIES_V4 = _v6("::/96", "::ffff:0:0:0/96", "64:ff9b::/96", "64:ff9b:1::/48")
_SIX_TO_FOUR = ipaddress.IPv6Network("2002::/16")
_TEREDO = ipaddress.IPv6Network("2001::/32")


class AddressBlocked(OSError):
    """No connection may go to this address. Its text never holds the address."""


class Reach(Enum):
    """What may be done with an address."""

    PUBLIC = "public"
    ALLOWED = "allowed"
    """Not public, or public and named by the operator: a network of the setting holds it."""
    BLOCKED = "blocked"


@dataclass(frozen=True, slots=True)
class AddressPolicy:
    """Public addresses, and what lies in the networks that the operator allows."""

    allowed: tuple[Network, ...] = ()

    @classmethod
    def of(cls, networks: Iterable[Network]) -> AddressPolicy:
        return cls(tuple(_unmapped(network) for network in networks))

    def judge(self, text: str) -> Reach:
        """What is reached at an address as `getaddrinfo` or a socket address spells it, IPv6 zone
        included. Anything that is not an address is blocked."""
        try:
            address = ipaddress.ip_address(text.partition("%")[0])
        except ValueError:
            return Reach.BLOCKED
        if isinstance(address, IPv6) and address in _MAPPED:
            address = _last_32_bits(address)
        inner = _carried(address) if isinstance(address, IPv6) else ()
        if address in _METADATA or any(each in _METADATA for each in inner):
            return Reach.BLOCKED
        if any(address in network for network in self.allowed):
            if address in _NAT64:
                # Allowing the translator does not allow everything behind it.
                return self.judge(str(_last_32_bits(address)))
            return Reach.ALLOWED
        return Reach.PUBLIC if _is_public(address) else Reach.BLOCKED


def _is_public(address: Address) -> bool:
    if isinstance(address, IPv4):
        return not any(address in network for network in _DENIED_V4)
    return address in _GLOBAL_V6 and not any(address in network for network in _DENIED_V6)


def _last_32_bits(address: Address) -> IPv4:
    return IPv4(int(address) & 0xFFFF_FFFF)


def _carried(address: IPv6) -> tuple[IPv4, ...]:
    """The IPv4 addresses that a translator or relay on the way would make of it."""
    if any(address in network for network in _CARRIES_V4):
        return (_last_32_bits(address),)
    if address in _SIX_TO_FOUR:
        return (IPv4(int(address) >> 80 & 0xFFFF_FFFF),)
    if address in _TEREDO:  # RFC 4380, section 4: the client's address is stored inverted
        return (IPv4(int(address) >> 64 & 0xFFFF_FFFF), IPv4(~int(address) & 0xFFFF_FFFF))
    return ()


def _unmapped(network: Network) -> Network:
    if isinstance(network, ipaddress.IPv6Network) and network.subnet_of(_MAPPED):
        return ipaddress.IPv4Network(
            (int(network.network_address) & 0xFFFF_FFFF, network.prefixlen - 96)
        )
    return network
