"""One trace from the sender of a webhook to the receiver of its message, by way of two nodes, as a
collector gets it: OTLP over HTTP, in protobuf."""

from __future__ import annotations

import gzip
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from tests.support.node import Node, eventually, nodes
from tests.support.postgres import Server
from tests.support.workspace import Sender, Workspace

TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
KEY = "s3cret-of-the-collector"
HOOK = "/hook-with-a-s3cret-in-its-path"


@dataclass
class Outside:
    """A collector, and the receiver of messages."""

    port: int = 0
    exported: list[bytes] = field(default_factory=list)
    keys: set[str | None] = field(default_factory=set)
    messages: list[dict[str, str]] = field(default_factory=list)
    """Their headers, with names in lower case."""
    refuses: bool = False

    def spans(self) -> list[Span]:
        asked = [ExportTraceServiceRequest.FromString(each) for each in list(self.exported)]
        return [
            span
            for each in asked
            for resource in each.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]

    def of(self, trace: str) -> dict[str, Span]:
        return {s.name: s for s in self.spans() if s.trace_id.hex() == trace}


@pytest.fixture(scope="module")
def outside() -> Iterator[Outside]:
    outside = Outside()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            answer = b""
            if self.path == "/v1/traces":
                if self.headers.get("content-encoding") == "gzip":
                    body = gzip.decompress(body)
                assert self.headers["content-type"] == "application/x-protobuf"
                outside.keys.add(self.headers.get("x-collector-key"))
                outside.exported.append(body)
                answer = ExportTraceServiceResponse().SerializeToString()
            else:
                outside.messages.append({n.lower(): value for n, value in self.headers.items()})
            self.send_response(404 if outside.refuses and self.path == HOOK else 200)
            self.send_header("content-type", "application/x-protobuf")
            self.send_header("content-length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        outside.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield outside
        finally:
            server.shutdown()
            thread.join(10)


@dataclass
class Hub:
    web: Node
    sender: Sender
    secrets: list[str]

    def post(self, title: str, **headers: str) -> Any:
        client = self.web.client()
        answer = client.send(self.sender, {"title": title, "id": title}, **headers)
        client.close()
        return answer


@pytest.fixture(scope="module")
def hub(postgres_server: Server, outside: Outside) -> Iterator[Hub]:
    settings = {
        "outbound_allow": "127.0.0.0/8",
        "traces_url": f"http://127.0.0.1:{outside.port}/v1/traces",
        "traces_headers": f"x-collector-key={KEY}",
        "environ": {"NO_PROXY": "127.0.0.1"},
    }
    with postgres_server.database() as database:
        workspace = Workspace(database.url)
        sender = workspace.sender(secret="s3cret-of-the-sender")
        with (
            nodes(database.url, role="web", is_forked=True, **settings) as (web,),
            nodes(database.url, role="dispatch", is_forked=True, **settings),
        ):
            api = web.client(workspace.api_key())
            config = {"url": f"http://127.0.0.1:{outside.port}{HOOK}"}
            made = api.api(
                "POST", "/alert-destinations", {"name": "ops", "type": "webhook", "config": config}
            ).json()
            rule = {
                "name": "all",
                "event_types": ["alerts.triggered"],
                "destination_ids": [made["id"]],
            }
            assert api.api("POST", "/alert-rules", rule).status == 201
            api.close()
            yield Hub(web, sender, ["s3cret", KEY])


def test_a_trace_goes_from_the_sender_to_the_receiver(hub: Hub, outside: Outside) -> None:
    answer = hub.post(
        "The title is nobody's business",
        traceparent=f"00-{TRACE}-{PARENT}-01",
        tracestate="vendor=1",
    )
    assert answer.status == 201
    eventually(lambda: len(outside.of(TRACE)) == 3, "three spans")
    found = outside.of(TRACE)
    webhook, commit, send = (found[n] for n in ("webhook generic", "commit", "send webhook"))
    assert webhook.parent_span_id.hex() == PARENT
    assert commit.parent_span_id == send.parent_span_id == webhook.span_id
    assert (webhook.kind, send.kind) == (Span.SPAN_KIND_SERVER, Span.SPAN_KIND_CLIENT)
    assert webhook.trace_state == send.trace_state == "vendor=1"
    assert webhook.start_time_unix_nano <= webhook.end_time_unix_nano <= send.end_time_unix_nano
    said = {each.key: each.value for each in webhook.attributes}
    assert said["http.response.status_code"].int_value == 201
    assert said["tocsin.webhook_delivery.id"].string_value == answer.json()["delivery_id"]
    assert [v.string_value for v in said["tocsin.alert.ids"].array_value.values] == [
        answer.json()["alert_id"]
    ]
    (message,) = outside.messages
    assert message["traceparent"] == f"00-{TRACE}-{send.span_id.hex()}-01"
    assert message["tracestate"] == "vendor=1"
    assert outside.keys == {KEY}


def test_a_webhook_that_says_nothing_begins_a_trace(hub: Hub, outside: Outside) -> None:
    delivery_id = hub.post("Another").json()["delivery_id"]

    def its_trace() -> str:
        for span in outside.spans():
            if any(each.value.string_value == delivery_id for each in span.attributes):
                return span.trace_id.hex()
        return ""

    eventually(its_trace, "its span")
    eventually(lambda: len(outside.of(its_trace())) == 3, "three spans")
    assert outside.of(its_trace())["webhook generic"].parent_span_id == b""


def test_what_its_sender_does_not_record_is_not_recorded_here(hub: Hub, outside: Outside) -> None:
    trace, before = "1" * 32, len(outside.messages)
    hub.post("Not recorded", traceparent=f"00-{trace}-{PARENT}-00")
    eventually(lambda: len(outside.messages) > before, "the message")
    assert outside.messages[-1]["traceparent"].startswith(f"00-{trace}-")
    assert outside.messages[-1]["traceparent"].endswith("-00")
    # Spans that are told in order: those of a later one are there.
    later = "2" * 32
    hub.post("Recorded", traceparent=f"00-{later}-{PARENT}-01")
    eventually(lambda: len(outside.of(later)) == 3, "three spans")
    assert outside.of(trace) == {}


def test_a_stranger_records_nothing(hub: Hub, outside: Outside) -> None:
    trace, later = "3" * 32, "4" * 32
    client = hub.web.client()
    unsigned = {"traceparent": f"00-{trace}-{PARENT}-01"}
    assert client.request("POST", hub.sender.path, b"{}", unsigned).status == 401
    client.close()
    hub.post("Authentic", traceparent=f"00-{later}-{PARENT}-01")
    eventually(lambda: len(outside.of(later)) == 3, "three spans")
    assert outside.of(trace) == {}


def test_a_failure_is_one_in_the_trace_and_no_secret_is(hub: Hub, outside: Outside) -> None:
    trace = "5" * 32
    outside.refuses = True
    hub.post("Refused", traceparent=f"00-{trace}-{PARENT}-01")
    eventually(lambda: "send webhook" in outside.of(trace), "the attempt")
    outside.refuses = False
    send = outside.of(trace)["send webhook"]
    assert send.status.code == Status.STATUS_CODE_ERROR
    said = {each.key: each.value for each in send.attributes}
    assert said["http.response.status_code"].int_value == 404
    assert said["error.type"].string_value == send.status.message != ""
    whole = b"".join(outside.exported)
    for hidden in (*hub.secrets, "nobody's business", "127.0.0.1"):
        assert hidden.encode() not in whole
