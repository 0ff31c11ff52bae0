"""A small HTTP client that costs little beside the server it measures: raw sockets, kept alive."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

PATIENCE_SECONDS = 20.0


@dataclass
class Measured:
    """Latencies in seconds, one for each request, and how long all of them took together."""

    latencies: list[float] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def rate(self) -> float:
        return len(self.latencies) / self.seconds

    def quantile(self, share: float) -> float:
        """Return the latency in milliseconds that this share of the requests stayed under."""
        ordered = sorted(self.latencies)
        return 1000 * ordered[min(int(share * len(ordered)), len(ordered) - 1)]


def request(path: str, *, key: str, body: bytes | None = None) -> bytes:
    """Return the bytes of a request."""
    head = (
        f"{'GET' if body is None else 'POST'} {path} HTTP/1.1\r\nHost: localhost\r\n"
        f"Authorization: Bearer {key}\r\nConnection: keep-alive\r\n"
    )
    if body is not None:
        head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
    return head.encode() + b"\r\n" + (body or b"")


def send(
    port: int, requests: Sequence[bytes], *, connections: int = 4, rate: float = 0.0
) -> Measured:
    """Send all requests over some connections, as fast as they go or `rate` a second.

    With a rate, a latency counts from when the request was due, so a stall is not hidden.
    """
    result = Measured()
    queue, lock = iter(enumerate(requests)), threading.Lock()
    started = time.perf_counter()
    threads = [
        threading.Thread(target=_work, args=(port, queue, lock, started, rate, result.latencies))
        for _ in range(connections)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    result.seconds = time.perf_counter() - started
    if len(result.latencies) != len(requests):
        raise RuntimeError("A connection broke off; see the server's output.")
    return result


def _work(
    port: int,
    queue: Iterator[tuple[int, bytes]],
    lock: threading.Lock,
    started: float,
    rate: float,
    latencies: list[float],
) -> None:
    with socket.create_connection(("127.0.0.1", port), PATIENCE_SECONDS) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        while True:
            with lock:
                number, message = next(queue, (-1, b""))
            if number < 0:
                return
            due = started + number / rate if rate else time.perf_counter()
            time.sleep(max(0.0, due - time.perf_counter()))
            connection.sendall(message)
            read_answer(connection)
            latencies.append(time.perf_counter() - due)


def read_answer(connection: socket.socket) -> bytes:
    """Return the body of an answer; anything but 200 raises RuntimeError."""
    received = b""
    while b"\r\n\r\n" not in received:
        received += _more(connection)
    head, _, body = received.partition(b"\r\n\r\n")
    if not head.startswith(b"HTTP/1.1 200"):
        raise RuntimeError(received[:500].decode(errors="replace"))
    length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
    while len(body) < length:
        body += _more(connection)
    return body


def _more(connection: socket.socket) -> bytes:
    data = connection.recv(65_536)
    if not data:
        raise RuntimeError("The server closed the connection.")
    return data
