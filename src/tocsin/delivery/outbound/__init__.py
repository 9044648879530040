"""The way out of the program, and where it may lead (docs/adr/0006-outbound-guard.md)."""

from tocsin.delivery.outbound.addresses import AddressPolicy, Verdict
from tocsin.delivery.outbound.session import Answer, NoAnswer, Outbound
from tocsin.delivery.outbound.urls import UrlRefused, check_url, parse_url, shown

__all__ = [
    "AddressPolicy",
    "Answer",
    "NoAnswer",
    "Outbound",
    "UrlRefused",
    "Verdict",
    "check_url",
    "parse_url",
    "shown",
]
