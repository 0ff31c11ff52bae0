"""Lines of a file, cut into fields one block at a time, as text that PostgreSQL's COPY reads.

Nothing is lost and nothing stops the file: a line that cannot be cut is passed on whole with the reason,
and a quote that is never closed costs its own line only.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

# What stands between fields on the way to the database: hardly ever part of a text.
SEPARATOR = "\x1f"
BLOCK_CHARACTERS = 2**20
MAX_LINE = 2**20
# A quoted field may run over this many lines; a quote left open further is a broken one.
MAX_QUOTED_LINES = 100
SHOWN_CHARACTERS = 5000
_NEEDS_CARE = ('"', "\\", "\0", SEPARATOR)


@dataclass(frozen=True)
class Form:
    """How a file's lines are cut.

    Attributes:
        columns: names of the fields
        delimiter: what stands between them
        is_quoted: fields may stand in double quotes
    """

    columns: tuple[str, ...]
    delimiter: str = ","
    is_quoted: bool = True


def copy_blocks(text: io.TextIOBase, *, form: Form, first_line: int) -> Iterator[bytes]:
    """Yield blocks of COPY text: line number, problem, raw row as JSON, then the fields.

    Args:
        text: with "\\n" at line ends, standing after the header
        first_line: number of the line that comes first
    """
    rest, number, is_last = "", first_line, False
    while not is_last:
        block = text.read(BLOCK_CHARACTERS)
        is_last = not block
        body, newline, rest = (rest + block).rpartition("\n")
        if is_last:
            body, newline, rest = body + newline + rest, "", ""
        elif not newline:
            if len(rest) > MAX_LINE:
                rest = _skip_line(text, rest[:SHOWN_CHARACTERS])
                yield bad_row(number, "line_too_long", {"text": rest}, len(form.columns))
                rest, number = "", number + 1
            continue
        if body:
            lines = body.split("\n")
            out, used = _cut(lines, number=number, form=form, is_last=is_last)
            yield out
            number += used
            if used < len(lines):
                rest = "\n".join([*lines[used:], rest])


def escaped(value: str) -> str:
    """Return one field as COPY's text form writes it."""
    value = value.replace("\\", "\\\\").replace("\n", "\\n").replace("\r", "\\r")
    return value.replace(SEPARATOR, "\\" + SEPARATOR)


def copy_row(number: int, fields: Sequence[str]) -> str:
    """Return one row that needs no further cutting as COPY text."""
    return SEPARATOR.join([str(number), "", "", *map(escaped, fields)]) + "\n"


def _cut(lines: list[str], *, number: int, form: Form, is_last: bool) -> tuple[bytes, int]:
    """Return COPY text of the lines and how many were used; an open quote waits for the next block."""
    commas = len(form.columns) - 1
    body = "\n".join(lines)
    is_plain = not any(sign in body for sign in _NEEDS_CARE)
    if is_plain and all(line.count(form.delimiter) == commas for line in lines) and commas:
        body = body.replace(form.delimiter, SEPARATOR)
        numbered = enumerate(body.split("\n"), number)
        text = "".join([f"{n}{SEPARATOR}{SEPARATOR}{SEPARATOR}{line}\n" for n, line in numbered])
        return text.encode(), len(lines)
    out, at = [], 0
    while at < len(lines):
        fields, reason, used = _fields(lines, at, form)
        is_open = used == 0 and not is_last and len(body) < 4 * BLOCK_CHARACTERS
        if is_open and len(lines) - at < MAX_QUOTED_LINES:
            break
        used = max(used, 1)
        if reason:
            out.append(bad_row(number + at, reason, _named(fields, form), len(form.columns)))
        elif fields:
            out.append(copy_row(number + at, fields).encode())
        at += used
    return b"".join(out), at


def _fields(lines: list[str], at: int, form: Form) -> tuple[list[str], str, int]:
    """Return the fields of the row at `at`, what is wrong with it, and how many lines it took.

    No fields and nothing wrong: a blank line. Nothing taken: a quote is still open at the end.
    """
    line, used = lines[at], 1
    if not line.strip():
        return [], "", 1
    if form.is_quoted and '"' in line:
        try:
            fields, used = _quoted(lines, at, form.delimiter)
        except csv.Error as error:
            is_long = "field limit" in str(error)
            return [line], "line_too_long" if is_long else "broken_quotes", 1
        if used == 0:
            return [line], "broken_quotes", 0
    else:
        fields = line.split(form.delimiter)
    if any("\0" in field for field in fields):
        return fields, "nul_byte", used
    if len(fields) != len(form.columns):
        return fields, "wrong_number_of_fields", used
    return fields, "", used


def _quoted(lines: list[str], at: int, delimiter: str) -> tuple[list[str], int]:
    """Cut a row with quotes, which may take several lines; 0 lines where it does not end."""
    for used in range(1, min(MAX_QUOTED_LINES, len(lines) - at) + 1):
        text = "\n".join(lines[at : at + used])
        try:
            return next(csv.reader([text], delimiter=delimiter, strict=True)), used
        except csv.Error as error:
            if "unexpected end" not in str(error):
                if used == 1:
                    raise
                return [], 0
    return [], 0


def _named(fields: list[str], form: Form) -> dict[str, str]:
    """Return the fields under the names of their columns, what is too much under "further"."""
    shown = [field[:SHOWN_CHARACTERS].replace("\0", "\N{SYMBOL FOR NULL}") for field in fields]
    row = dict(zip(form.columns, shown, strict=False))
    if len(shown) > len(form.columns):
        row["further"] = form.delimiter.join(shown[len(form.columns) :])[:SHOWN_CHARACTERS]
    return row


def bad_row(number: int, reason: str, row: Mapping[str, str], num_columns: int) -> bytes:
    """Return a row that cannot be used as COPY text."""
    raw = escaped(json.dumps(row, ensure_ascii=False).replace("\\u0000", ""))
    return SEPARATOR.join([str(number), reason, raw, *[""] * num_columns]).encode() + b"\n"


def _skip_line(text: io.TextIOBase, start: str) -> str:
    """Read on to the end of a line without keeping it; return what was kept of its start."""
    while piece := text.readline(MAX_LINE):
        if piece.endswith("\n"):
            break
    return start
