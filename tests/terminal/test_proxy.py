"""The recording proxy in front of a small server: it writes down, holds, answers, refuses and drops."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
import pytest

from .proxy import Proxy

pytestmark = pytest.mark.e2e


class Echo(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", "0")))
        self.send_response(200)
        self.send_header("content-length", str(len(body) + 5))
        self.end_headers()
        with contextlib.suppress(ConnectionError):  # dropped in the middle: that is what some tests are about
            self.wfile.write(b"echo:" + body)

    do_GET = do_POST

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def proxy() -> Iterator[Proxy]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Echo)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    with Proxy(f"http://127.0.0.1:{server.server_address[1]}") as proxy:
        yield proxy
    server.shutdown()
    server.server_close()
    thread.join(5)


def client(proxy: Proxy) -> httpx.Client:
    return httpx.Client(base_url=proxy.url, timeout=5, trust_env=False)


def test_it_passes_on_and_writes_down(proxy: Proxy) -> None:
    with client(proxy) as http:
        assert http.post("/a?x=1", content=b"one").text == "echo:one"
        assert http.get("/api/instance/list").text == "echo:"
        assert [r.line for r in proxy.requests] == ["POST /a?x=1", "GET /api/instance/list"]
        assert (proxy.requests[0].body, len(proxy.list_calls()), proxy.sockets) == (b"one", 1, 0)
        assert proxy.list_calls(since=proxy.requests[1].at + 1) == []


def test_it_answers_in_place_of_the_server(proxy: Proxy) -> None:
    with client(proxy) as http:
        stop = proxy.answer("GET /b", 429, "Slow down.", headers="Retry-After: 7\r\n")
        reply = http.get("/b")
        assert (reply.status_code, reply.json()["error"]["message"], reply.headers["retry-after"]) == (429, "Slow down.", "7")
        stop()
        assert http.get("/b").status_code == 200
        proxy.answer("GET /b", 500, "once", times=1)
        assert [http.get("/b").status_code for _ in range(2)] == [500, 200]


def test_it_holds_a_request_until_told(proxy: Proxy) -> None:
    got: list[str] = []
    with client(proxy) as http:
        thread = threading.Thread(target=lambda: got.append(http.get("/c").text))
        with proxy.hold("GET /c"):
            thread.start()
            thread.join(0.3)
            assert (got, len(proxy.seen("GET /c"))) == ([], 1)
        thread.join(5)
        assert got == ["echo:"]


def test_it_drops_and_refuses_connections(proxy: Proxy) -> None:
    with client(proxy) as http:
        assert http.get("/d").status_code == 200
        proxy.refuse()
        proxy.drop()
        with pytest.raises(httpx.TransportError):
            http.get("/d")
        proxy.refuse(False)
        assert http.get("/d").status_code == 200


def test_a_frozen_link_says_nothing(proxy: Proxy) -> None:
    with client(proxy) as http:
        assert http.get("/e").status_code == 200
        proxy.freeze()
        with pytest.raises(httpx.ReadTimeout):
            http.get("/e", timeout=0.3)
        proxy.freeze(False)
        assert http.get("/e").status_code == 200
