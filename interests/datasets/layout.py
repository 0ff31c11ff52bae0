"""What files a data folder has and how they are written: shared by the reader and the import."""

from __future__ import annotations

import codecs
import csv
import gzip
import io
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from interests.datasets.errors import DatasetError

# A folder of text this size is a mistake or an attack: 100 events of 1,000 bytes for 100 million people
# would come as many files. A small .gz can hold much more than it weighs.
UNPACKED_LIMIT = 20 * 2**30
UNPACKED_RATIO_LIMIT = 200
MAX_COLUMNS = 50
NO_CATEGORY_WORDS = frozenset({"(no genres listed)", "uncategorised"})


@dataclass(frozen=True)
class Table:
    """One file of rows.

    Attributes:
        path: where it lies
        delimiter: what stands between fields; may be longer than one character
        required: columns that it must have
        columns: names of the columns, or None where the first line holds them
        renames: the file's names of columns -> ours
        encoding: None: UTF-8, UTF-16 or, where neither fits, Latin-1
        flags: names of 0/1 columns at the end of a row that stand for its categories
        unkept: columns that nothing keeps: nobody needs them, and they tell who somebody is
    """

    path: Path
    delimiter: str = ","
    required: tuple[str, ...] = ()
    columns: tuple[str, ...] | None = None
    renames: dict[str, str] = field(default_factory=dict)
    encoding: str | None = None
    flags: tuple[str, ...] = ()
    unkept: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return self.path.name


@dataclass(frozen=True)
class Layout:
    """The files of one data folder.

    Attributes:
        format: its name, for reports
        events: required
        items: None where the folder describes no items
        users: None where it describes no end users
        kind: the kind of every event, or None where a column says it
        is_epoch: times are seconds since 1970 instead of ISO 8601
    """

    format: str
    events: Table
    items: Table | None = None
    users: Table | None = None
    kind: str | None = None
    is_epoch: bool = False

    @property
    def tables(self) -> list[Table]:
        return [table for table in (self.items, self.users, self.events) if table is not None]


def open_text(table: Table, *, on_read: Callable[[int], object] | None = None) -> io.TextIOBase:
    """Open a table's file as text with "\\n" at the end of every line, whatever the file has.

    Args:
        on_read: is called with the number of bytes of each read from the disk, for progress.

    Raises:
        DatasetError: it cannot be opened.
    """
    encoding = table.encoding or detect_encoding(table.path)
    raw = _open_bytes(table.path, on_read)
    buffered = io.BufferedReader(raw, 2**20)  # type: ignore[type-var]
    return io.TextIOWrapper(buffered, encoding=encoding, newline=None)


def header_of(table: Table) -> tuple[str, ...]:
    """Return the names of a table's columns in our words.

    Raises:
        DatasetError: the file is empty, or columns are missing, doubled or too many.
    """
    if table.columns is not None:
        return table.columns
    with open_text(table) as text:
        line = text.readline(2**16)
    if not line.strip():
        raise DatasetError(
            f"{table.name} is empty. Its first line must name the columns: "
            f"{','.join(table.required)}."
        )
    row = next(csv.reader([line.replace("\0", "")], delimiter=table.delimiter))
    names = [table.renames.get(name.strip(), name.strip()) for name in row]
    return _checked_header(table, names)


def _checked_header(table: Table, names: list[str]) -> tuple[str, ...]:
    missing = [name for name in table.required if name not in names]
    if missing:
        raise DatasetError(
            f"{table.name} has no column {' and no column '.join(missing)}. Its first line is "
            f'"{",".join(names)[:200]}" and must name {", ".join(table.required)}.'
        )
    doubled = sorted({name for name in names if names.count(name) > 1})
    if doubled:
        raise DatasetError(
            f'{table.name} names the column "{doubled[0]}" more than once. Rename or remove one.'
        )
    if "" in names or max(map(len, names)) > 100:
        raise DatasetError(
            f"{table.name} has a column without a name, or with one of more than 100 characters."
        )
    if len(names) > MAX_COLUMNS:
        raise DatasetError(
            f"{table.name} has {len(names)} columns; {MAX_COLUMNS} are read. Remove some."
        )
    return tuple(names)


def detect_encoding(path: Path) -> str:
    """Return "utf-8-sig", "utf-16" or, where the file is neither, "latin-1"."""
    with _open_bytes(path, None) as raw:
        start = raw.read(4)
        if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            return "utf-16"
        decoder = codecs.getincrementaldecoder("utf-8")()
        try:
            decoder.decode(start)
            while block := raw.read(2**20):
                decoder.decode(block)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            return "latin-1"
    return "utf-8-sig"


def find(folder: Path, name: str) -> Path | None:
    """Return the file of this name, or of this name with .gz behind it."""
    for path in (folder / name, folder / f"{name}.gz"):
        if path.is_file():
            return path
    return None


class _Watched(io.RawIOBase):
    """Bytes of a file, unpacked where it is gzip, that refuse to grow without end."""

    def __init__(self, path: Path, on_read: Callable[[int], object] | None) -> None:
        self._file: IO[bytes] = path.open("rb")
        self._source: IO[bytes] = self._file
        self._name = path.name
        self._limit = UNPACKED_LIMIT
        if path.suffix == ".gz":
            self._source = gzip.GzipFile(fileobj=self._file)  # type: ignore[assignment]
            size = max(path.stat().st_size, 2**16)
            self._limit = min(UNPACKED_LIMIT, size * UNPACKED_RATIO_LIMIT)
        self._total = 0
        self._on_read = on_read

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray) -> int:  # type: ignore[override]
        before = self._file.tell()
        try:
            block = self._source.read(len(buffer))
        except (gzip.BadGzipFile, EOFError, OSError) as error:
            raise DatasetError(
                f"{self._name} cannot be read: {error}. Unpack it or send it again."
            ) from error
        if self._on_read is not None:
            self._on_read(self._file.tell() - before)
        self._total += len(block)
        if self._total > self._limit:
            raise DatasetError(
                f"{self._name} unpacks to more than {self._limit // 2**20:,} MB. "
                "Unpack it yourself and give the file in parts."
            )
        buffer[: len(block)] = block
        return len(block)

    def close(self) -> None:
        self._file.close()
        super().close()


def _open_bytes(path: Path, on_read: Callable[[int], object] | None) -> _Watched:
    try:
        return _Watched(path, on_read)
    except OSError as error:
        raise DatasetError(
            f"{path} cannot be opened: {error.strerror}. Check its name and permissions."
        ) from error
