"""Packed bodies: read up to a bound, refused clearly, whatever they hold."""

import gzip
import json
import tracemalloc
import zlib

import pytest
from django.conf import settings
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st
from rest_framework.exceptions import APIException

from recsite.access import bodies
from tests import factories

LIMIT = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
BODY = json.dumps({"events": []}).encode()


def sent(body, encoding, path="/api/v1/events", method="post"):
    headers = {"Authorization": f"Bearer {factories.api_key()}", "Content-Encoding": encoding}
    return getattr(Client(), method)(path, body, "application/json", headers=headers)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("body", "encoding", "status", "code"),
    [
        (BODY, "br", 415, "unsupported_encoding"),
        (gzip.compress(BODY, mtime=0), "gzip, gzip", 415, "unsupported_encoding"),
        (BODY, "gzip", 400, "parse_error"),
        (gzip.compress(BODY, mtime=0)[:-4], "gzip", 400, "parse_error"),
        (gzip.compress(BODY, mtime=0) * 2, "gzip", 400, "parse_error"),
        (zlib.compress(BODY), "gzip", 400, "parse_error"),
        (gzip.compress(b"\xff", mtime=0), "gzip", 400, "parse_error"),
        (gzip.compress(b" " * (LIMIT + 1)), "gzip", 413, "body_too_large"),
        (gzip.compress(b"[" * 100_000), "gzip", 400, "parse_error"),
        (b"NaN", "identity", 400, "parse_error"),
    ],
)
def test_body_that_cannot_be_unpacked_is_a_problem(body, encoding, status, code):
    problem = sent(body, encoding).json()

    assert (problem["status"], problem["code"]) == (status, code)


@pytest.mark.django_db
@pytest.mark.parametrize("encoding", ["gzip", "GZIP", "x-gzip"])
def test_packed_body_is_read_as_the_plain_one(encoding):
    assert sent(gzip.compress(BODY, mtime=0), encoding).json() == sent(BODY, "identity").json()
    made = sent(gzip.compress(b'{"title": "Emma"}'), encoding, "/api/v1/items/emma", "put")
    assert made.json()["title"] == "Emma"


def test_bomb_takes_no_more_memory_than_the_limit():
    packer = zlib.compressobj(wbits=bodies.GZIP)
    bomb = b"".join(packer.compress(bytes(2**20)) for _ in range(1_024)) + packer.flush()
    assert len(bomb) < LIMIT  # a gigabyte in a body that is let in

    tracemalloc.start()
    with pytest.raises(APIException, match="no more are read"):
        bodies.unpacked(bomb, "gzip")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert peak < 3 * LIMIT


@given(st.binary(max_size=200))
def test_whatever_is_packed_comes_out(body):
    assert bodies.unpacked(gzip.compress(body, mtime=0), "gzip") == body
