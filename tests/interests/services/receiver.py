"""A real HTTP receiver on 127.0.0.1 that does as it is told, and notes what it was sent."""

from __future__ import annotations

import hashlib
import hmac
import json
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

# What it does with a request, in order; "ok" when the list is used up.
OK, RESET, SILENT, REDIRECT = "200", "reset", "silent", "302"


@dataclass
class Received:
    """One request as it came."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def key(self) -> str:
        return self.headers["Idempotency-Key"]

    @property
    def json(self) -> dict[str, Any]:
        return json.loads(self.body)

    def is_signed(self, secret: str) -> bool:
        """Check the signature as docs/alerts.md tells receivers to."""
        signed = self.headers["Recsite-Timestamp"].encode() + b"." + self.body
        expected = "v1=" + hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()
        return hmac.compare_digest(self.headers["Recsite-Signature"], expected)


@dataclass
class Receiver:
    """What was received, and what to do next."""

    url: str = ""
    plan: list[str] = field(default_factory=list)
    received: list[Received] = field(default_factory=list)
    before_answer: Callable[[], None] = lambda: None
    is_over: threading.Event = field(default_factory=threading.Event)

    def accepted(self) -> set[str]:
        """Return the keys of the messages, each once: what a receiver that minds the key acts on."""
        return {request.key for request in self.received}


@contextmanager
def receiving(
    *plan: str, wrap: Callable[[socket.socket], socket.socket] | None = None
) -> Iterator[Receiver]:
    """Run a receiver for the length of the block; `wrap` puts TLS over its socket."""
    receiver = Receiver(plan=list(plan))

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            receiver.received.append(Received(self.path, dict(self.headers), body))
            receiver.before_answer()
            _answer(self, receiver.plan.pop(0) if receiver.plan else OK, receiver)

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *_: Any) -> None:
            """Say nothing of clients that were killed."""

    server = Server(("127.0.0.1", 0), Handler)
    if wrap is not None:
        server.socket = wrap(server.socket)
    receiver.url = f"http{'s' if wrap else ''}://127.0.0.1:{server.server_port}/hook?a=1"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield receiver
    finally:
        receiver.is_over.set()
        server.shutdown()
        thread.join()
        server.server_close()


def _answer(handler: BaseHTTPRequestHandler, how: str, receiver: Receiver) -> None:
    handler.close_connection = True
    if how == RESET:
        # Closed with unsent data thrown away: the other side sees a reset.
        handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        handler.connection.shutdown(socket.SHUT_RD)
        handler.connection.close()
        return
    if how == SILENT:
        receiver.is_over.wait(30)
        return
    handler.send_response(int(how))
    if how == REDIRECT:
        handler.send_header("Location", "/elsewhere")
    handler.send_header("Content-Length", "0")
    handler.end_headers()
