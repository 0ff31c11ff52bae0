"""Posts to addresses that people typed in: signed, to a checked network address, never redirected, bounded in time.

A rule's address could point into our own network. The name is resolved once, every answer is checked, and the
connection goes to the very address that was checked, so that a name cannot change its mind in between.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import http.client
import ipaddress
import socket
import ssl
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

from django.conf import settings
from django.utils.crypto import salted_hmac
from django.utils.encoding import iri_to_uri

from interests.models import AlertRule

TIMEOUT_SECONDS = 10.0
SECRET_SALT = "interests.webhooks.secret"
NAT64 = ipaddress.ip_network("64:ff9b::/96")
# What hands out the credentials of machines at addresses that look public or are on the machine's own link.
METADATA = {ipaddress.ip_address(text) for text in ("168.63.129.16", "fd00:ec2::254")}
IpAddress = ipaddress.IPv4Address | ipaddress.IPv6Address


class CannotPost(Exception):
    """The receiver did not take the message; the message says what happened."""


class RefusedAddress(CannotPost):
    """The address is not one we post to; the message says why."""


@dataclass(frozen=True)
class Target:
    """A webhook's address, taken apart."""

    is_secure: bool
    host: str
    port: int
    path: str


def secret(rule: AlertRule) -> str:
    """Return what a rule's webhooks are signed with: 64 hexadecimal digits, derived, never stored."""
    name = f"{rule.pk}:{rule.secret_version}"
    return salted_hmac(SECRET_SALT, name, algorithm="sha256").hexdigest()


def signature(*, key: str, timestamp: int, body: bytes) -> str:
    """Return `v1=` and HMAC-SHA256 of timestamp, a dot and the body, under the secret's ASCII text."""
    signed = str(timestamp).encode() + b"." + body
    return "v1=" + hmac.new(key.encode(), signed, hashlib.sha256).hexdigest()


def parse(url: str) -> Target:
    """Take a webhook's address apart, without looking its name up.

    Raises:
        RefusedAddress: not http or https, not https where that is needed, or a password in it.
    """
    try:
        parts: SplitResult = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise RefusedAddress(f"This is no address: {error}.") from error
    if parts.scheme not in ("https", "http") or not parts.hostname:
        raise RefusedAddress("The address must begin with https:// and name a host.")
    if parts.scheme == "http" and not settings.WEBHOOK_ALLOW_PRIVATE:
        raise RefusedAddress(
            "The address must begin with https://. Only where WEBHOOK_ALLOW_PRIVATE=1 is set, http will do."
        )
    if parts.username or parts.password:
        raise RefusedAddress("Leave name and password out of the address: messages are signed.")
    path = iri_to_uri((parts.path or "/") + (f"?{parts.query}" if parts.query else ""))
    is_secure = parts.scheme == "https"
    return Target(is_secure, parts.hostname, port or (443 if is_secure else 80), path)


def resolve(host: str, port: int) -> str:
    """Return the network address that a host's name stands for, all of its addresses checked.

    Raises:
        RefusedAddress: one of them is not for us to post to.
        CannotPost: the name is not known.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise CannotPost(f"The name {host} cannot be resolved: {error}.") from error
    addresses = [str(entry[4][0]) for entry in found]
    for address in addresses:
        if not is_allowed(address):
            raise RefusedAddress(
                f"{host} is {address}, which is not a public address. Receivers in your own network need "
                "WEBHOOK_ALLOW_PRIVATE=1."
            )
    return addresses[0]


def is_allowed(address: str) -> bool:
    """Tell whether messages may go to a network address.

    Link-local addresses, where clouds keep the credentials of machines, multicast and "any" never are.
    """
    found = _embedded(ipaddress.ip_address(address.partition("%")[0]))
    if found.is_link_local or found.is_multicast or found.is_unspecified or found in METADATA:
        return False
    return found.is_global or bool(settings.WEBHOOK_ALLOW_PRIVATE)


def _embedded(address: IpAddress) -> IpAddress:
    """Return the IPv4 address that an IPv6 one leads to, or the address itself."""
    if not isinstance(address, ipaddress.IPv6Address):
        return address
    if address in NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    teredo = address.teredo[1] if address.teredo else None
    return address.ipv4_mapped or address.sixtofour or teredo or address


def post(url: str, *, body: bytes, headers: Mapping[str, str]) -> int:
    """Post a body and return the status of the answer, if it is 2xx; the rest of the answer is not read.

    Raises:
        CannotPost: no connection, no answer within `TIMEOUT_SECONDS`, or another status.
    """
    target = parse(url)
    address = resolve(target.host, target.port)
    connection = _Pinned(target, address)
    # A timeout of sockets is one of each packet: a receiver that drips would hold a worker for ever.
    watch = threading.Timer(TIMEOUT_SECONDS, connection.give_up)
    watch.daemon = True
    watch.start()
    try:
        connection.request("POST", target.path, body=body, headers=dict(headers))
        status = connection.getresponse().status
        if connection.is_late:  # headers that are cut off read as if they had ended
            raise TimeoutError
    except (OSError, http.client.HTTPException, ValueError) as error:
        if connection.is_late or isinstance(error, TimeoutError):
            raise CannotPost(f"No answer within {TIMEOUT_SECONDS:g} s.") from error
        raise CannotPost(f"{type(error).__name__}: {error}"[:500]) from error
    finally:
        watch.cancel()
        connection.close()
    if 300 <= status < 400:
        raise CannotPost(f"Answered {status}: redirects are not followed. Enter the last address.")
    if not 200 <= status < 300:
        raise CannotPost(f"Answered {status} {http.client.responses.get(status, '')}".strip() + ".")
    return status


class _Pinned(http.client.HTTPConnection):
    """A connection to one checked network address, under the name that the certificate must bear."""

    def __init__(self, target: Target, address: str) -> None:
        super().__init__(target.host, target.port, timeout=TIMEOUT_SECONDS)
        self.default_port = 443 if target.is_secure else 80  # left out of the header `Host`
        self.is_late = False
        self._target, self._address = target, address

    def connect(self) -> None:
        """Connect to the checked address; over TLS, with the certificate checked against the name."""
        self.sock = socket.create_connection((self._address, self._target.port), self.timeout)
        if self._target.is_secure:
            # The handshake comes last, so that `give_up` finds the socket that waits in it.
            self.sock = ssl.create_default_context().wrap_socket(
                self.sock, server_hostname=self._target.host, do_handshake_on_connect=False
            )
            self.sock.do_handshake()
        if self.is_late:
            raise TimeoutError

    def give_up(self) -> None:
        """End whatever waits on the connection; called from another thread."""
        self.is_late = True
        if self.sock is not None:
            with contextlib.suppress(OSError):
                self.sock.shutdown(socket.SHUT_RDWR)
