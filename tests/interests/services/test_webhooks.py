from __future__ import annotations

import shutil
import socket
import ssl
import subprocess
import textwrap
from typing import Any

import pytest

from interests.models import AlertRule
from interests.services import webhooks
from tests.interests.services.receiver import receiving


def resolving(monkeypatch, *addresses: str) -> None:
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 443)) for address in addresses]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)


def test_the_secret_is_of_the_rule_its_version_and_the_site(settings):
    made = {
        webhooks.secret(AlertRule(pk=pk, secret_version=version))
        for pk, version in ((1, 1), (1, 2), (2, 1), (11, 1), (1, 11))
    }
    settings.SECRET_KEY = "another"
    made.add(webhooks.secret(AlertRule(pk=1, secret_version=1)))

    assert len(made) == 6
    assert {len(secret) for secret in made} == {64}


def test_signature_is_hmac_sha256_of_timestamp_dot_body():
    # printf '1700000000.{"a":1}' | openssl dgst -sha256 -hmac secret
    assert webhooks.signature(key="secret", timestamp=1_700_000_000, body=b'{"a":1}') == (
        "v1=49f24e537407743fa4a0242bb63b94b9a47ee99cbbe071ccd8a22550ae411686"
    )


def test_the_docs_tell_receivers_how_to_check_it(settings, monkeypatch):
    text = (settings.BASE_DIR / "docs/alerts.md").read_text()
    block = text[text.index("    import hashlib") : text.index("## E-mail")]
    told: dict[str, Any] = {}
    exec(textwrap.dedent(block), told)  # noqa: S102  # our own docs
    now, body = 1_700_000_000, b'{"text":"\xc3\xa4"}'
    monkeypatch.setattr("time.time", lambda: now + 299.0)

    def says(*, secret="secret", at=now, given=body) -> bool:
        signature = webhooks.signature(key="secret", timestamp=now, body=body)
        headers = {"Recsite-Timestamp": str(at), "Recsite-Signature": signature}
        return told["is_from_recsite"](secret, headers, given)

    assert says()
    assert [says(secret="other"), says(at=now + 1), says(given=body + b" ")] == [False] * 3
    monkeypatch.setattr("time.time", lambda: now + 301.0)
    assert not says()


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1",
        "100.100.100.200", "0.0.0.0", "224.0.0.1", "255.255.255.255", "168.63.129.16", "198.18.0.1",
        "::1", "::", "fe80::1", "fe80::1%eth0", "fc00::1", "fd00:ec2::254", "ff02::1",
        "::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "2002:7f00:1::",
    ],
)  # fmt: skip
def test_addresses_that_are_not_public_are_refused(monkeypatch, address):
    resolving(monkeypatch, address)

    assert not webhooks.is_allowed(address)
    with pytest.raises(webhooks.RefusedAddress, match="WEBHOOK_ALLOW_PRIVATE=1"):
        webhooks.resolve("hook.example.org", 443)


@pytest.mark.parametrize("address", ["93.184.216.34", "2606:2800:220:1::1", "::ffff:93.184.216.34"])
def test_public_addresses_are_taken(monkeypatch, address):
    resolving(monkeypatch, address)

    assert webhooks.resolve("hook.example.org", 443) == address


def test_one_private_address_among_public_ones_is_enough_to_refuse(monkeypatch):
    resolving(monkeypatch, "93.184.216.34", "10.0.0.1")

    with pytest.raises(webhooks.RefusedAddress, match=r"is 10\.0\.0\.1, which is not a public"):
        webhooks.resolve("hook.example.org", 443)


@pytest.mark.parametrize(
    ("address", "is_allowed"),
    [
        ("127.0.0.1", True), ("10.1.2.3", True), ("::1", True), ("93.184.216.34", True),
        ("169.254.169.254", False), ("::ffff:169.254.169.254", False), ("fe80::1", False),
        ("fd00:ec2::254", False), ("168.63.129.16", False), ("0.0.0.0", False), ("224.0.0.1", False),
    ],
)  # fmt: skip
def test_even_in_ones_own_network_credentials_of_machines_are_out_of_reach(
    settings, address, is_allowed
):
    settings.WEBHOOK_ALLOW_PRIVATE = True

    assert webhooks.is_allowed(address) is is_allowed


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("http://example.org/", "WEBHOOK_ALLOW_PRIVATE=1 is set, http will do"),
        ("ftp://example.org/", "must begin with https://"),
        ("https:///hook", "must begin with https://"),
        ("https://ada:secret@example.org/", "Leave name and password out"),
        ("https://example.org:99999/", "This is no address"),
        ("https://[::1/", "This is no address"),
    ],
)
def test_addresses_that_make_no_sense_say_why(url, said):
    with pytest.raises(webhooks.RefusedAddress, match=said):
        webhooks.parse(url)


def test_an_address_is_taken_apart():
    target = webhooks.parse("https://Hook.example.org/a b/ä?x=1#part")

    assert target == webhooks.Target(True, "hook.example.org", 443, "/a%20b/%C3%A4?x=1")
    assert webhooks.parse("https://example.org:8443").path == "/"


def test_a_name_that_is_not_known_is_said(monkeypatch):
    def unknown(*_, **__):
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)

    with pytest.raises(webhooks.CannotPost, match="The name nowhere.example cannot be resolved"):
        webhooks.post("https://nowhere.example/", body=b"", headers={})


def test_the_connection_goes_to_the_checked_address_under_its_name(settings, monkeypatch):
    settings.WEBHOOK_ALLOW_PRIVATE = True
    with receiving() as receiver:
        port = int(receiver.url.split(":")[2].split("/")[0])
        asked = []

        def once(host, *_, **__):
            asked.append(host)
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]

        monkeypatch.setattr(socket, "getaddrinfo", _only_names(once))

        assert webhooks.post(f"http://hook.example.org:{port}/x", body=b"{}", headers={}) == 200

    # A name that changes its mind is not asked a second time.
    assert asked == ["hook.example.org"]
    assert receiver.received[0].headers["Host"] == f"hook.example.org:{port}"


def _only_names(answer):
    """Let numbers be resolved as ever, which connecting to them asks for."""
    real = socket.getaddrinfo

    def resolve(host, *args, **kwargs):
        is_name = not host.replace(".", "").isdigit()
        return answer(host) if is_name else real(host, *args, **kwargs)

    return resolve


@pytest.fixture
def certificate(tmp_path):
    """Make a certificate of hook.example.org and of 127.0.0.1, signed by itself."""
    if shutil.which("openssl") is None:
        pytest.skip("needs openssl to make a certificate")
    both = tmp_path / "both.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-keyout", both,
         "-out", tmp_path / "certificate.pem", "-subj", "/CN=hook.example.org",
         "-addext", "subjectAltName=DNS:hook.example.org"],
        check=True, capture_output=True,
    )  # fmt: skip
    with both.open("a") as file:
        file.write((tmp_path / "certificate.pem").read_text())
    return both


@pytest.mark.parametrize(
    ("host", "is_trusted", "said"),
    [
        ("hook.example.org", True, None),
        ("hook.example.org", False, "certificate verify failed"),
        ("other.example.org", True, "Hostname mismatch"),
    ],
)
def test_certificates_are_checked_against_the_name(
    settings, monkeypatch, certificate, host, is_trusted, said
):
    settings.WEBHOOK_ALLOW_PRIVATE = True
    if is_trusted:
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    with receiving(wrap=lambda plain: context.wrap_socket(plain, server_side=True)) as receiver:
        port = int(receiver.url.split(":")[2].split("/")[0])
        entry = (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))
        monkeypatch.setattr(socket, "getaddrinfo", _only_names(lambda _: [entry]))
        url = f"https://{host}:{port}/"
        if said is None:
            assert webhooks.post(url, body=b"{}", headers={}) == 200
        else:
            with pytest.raises(webhooks.CannotPost, match=said):
                webhooks.post(url, body=b"{}", headers={})

    assert len(receiver.received) == (1 if said is None else 0)
