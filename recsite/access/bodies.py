"""Reading bodies: JSON, packed or plain, never more of it in memory than the site allows."""

from __future__ import annotations

import json
import zlib
from typing import Any

from django.conf import settings
from rest_framework import exceptions, status

from recsite.access.problems import BodyTooLarge

GZIP = 31  # zlib's word for a gzip header around the largest window


class UnknownEncoding(exceptions.APIException):
    """The body is packed in a way that is not read here."""

    status_code = status.HTTP_415_UNSUPPORTED_MEDIA_TYPE
    default_code = "unsupported_encoding"


def unpacked(body: bytes, encoding: str) -> bytes:
    """Return a body without its Content-Encoding.

    Raises:
        UnknownEncoding: it is none of "", "identity" and "gzip".
        BodyTooLarge: it would be larger than any body may be; no more than that is unpacked.
        ParseError: it is not what it says.
    """
    encoding = encoding.strip().lower()
    if encoding in ("", "identity"):
        return body
    if encoding not in ("gzip", "x-gzip"):
        raise UnknownEncoding(f'Bodies may be packed by gzip, not by "{encoding[:50]}".')
    limit = settings.DATA_UPLOAD_MAX_MEMORY_SIZE or 0
    unpacker = zlib.decompressobj(wbits=GZIP)
    try:
        plain = unpacker.decompress(body, limit + 1)
    except zlib.error:
        raise exceptions.ParseError(
            "The body is not gzip, though its Content-Encoding says so."
        ) from None
    if len(plain) > limit:
        raise BodyTooLarge(
            f"Unpacked, the body has more than {limit:,} bytes, and no more are read. Send less at a time."
        )
    # More after the end: a second member, which nobody sends but who wants to hide something.
    if not unpacker.eof or unpacker.unused_data:
        raise exceptions.ParseError("The gzip body is cut off, or goes on after its end.")
    return plain


def json_of(body: bytes) -> Any:
    """Return a JSON body as plain values.

    Raises:
        ParseError: it is not JSON, or nests deeper than Python's stack.
    """
    try:
        return json.loads(body.decode(), parse_constant=_refuse)
    except RecursionError:
        raise exceptions.ParseError("The JSON nests too deep.") from None
    except ValueError as error:  # a UnicodeDecodeError is one too
        raise exceptions.ParseError(f"The body is not JSON: {error}") from None


def _refuse(name: str) -> None:
    raise ValueError(f"{name} is no JSON value")
