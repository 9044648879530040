"""The way out of the program, and where it may lead (docs/adr/0006-outbound-guard.md)."""

from tocsin.delivery.outbound.addresses import AddressPolicy, Reach
from tocsin.delivery.outbound.answer import Answer, NoAnswer
from tocsin.delivery.outbound.session import Outbound
from tocsin.delivery.outbound.urls import UrlRefused, check_url, parse_url, shown

__all__ = [
    "AddressPolicy",
    "Answer",
    "NoAnswer",
    "Outbound",
    "Reach",
    "UrlRefused",
    "check_url",
    "parse_url",
    "shown",
]
