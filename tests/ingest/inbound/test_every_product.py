"""Every refusal that there is, in the words of every product: never a page of ours, never a success."""

from __future__ import annotations

import json

import pytest

from tocsin.ingest import refusals
from tocsin.ingest.inbound.base import Product, Request
from tocsin.ingest.inbound.endpoint import product_of
from tocsin.ingest.inbound.registry import PRODUCTS
from tocsin.ingest.received_webhook import Declined
from tocsin.model import Fault, utc_now

REFUSALS = [
    *(value for value in vars(refusals).values() if isinstance(value, Declined)),
    *refusals.UNPROVEN.values(),
    refusals.too_large(10),
    refusals.too_large(10, "once it is unpacked"),
    refusals.unknown_encoding("packed with zip"),
    refusals.invalid_payload([Fault("/0/labels", "required", "labels are required")]),
]


@pytest.mark.parametrize("product", PRODUCTS, ids=lambda product: product.name)
@pytest.mark.parametrize("refusal", REFUSALS, ids=lambda refusal: refusal.detail[:30])
def test_it_refuses_in_its_own_words(product: Product, refusal: Declined) -> None:
    request = Request("POST", "/x", "/x", "", {}, b"", utc_now(), "127.0.0.1")
    reply = product.failed(request, refusal)
    assert 400 <= reply.status < 600
    assert (reply.status >= 500 or reply.status == 429) == (refusal.status_code >= 500)
    media_types = [value for name, value in reply.headers if name == b"content-type"]
    assert media_types == [b"application/json"]
    assert json.loads(reply.body)
    assert b"/problems/" not in reply.body


def test_no_address_is_two_products() -> None:
    for path in ("/v2/enqueue", "/v2/change/enqueue"):
        assert sum(product.serves(path) for product in PRODUCTS) == 1
    for path in ("/", "/webhooks/x", "/healthz", "/v2", "/a/x"):
        assert product_of(path) is None
