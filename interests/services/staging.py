"""Files on their way in: copied as text into temporary tables, then checked there in SQL.

Each kind of file has two tables of the session: `import_<part>` with every line as text, and
`import_<part>_bad` with the lines that cannot be used and a stable code for the reason.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from django.db import DatabaseError, connection
from django.db.backends.utils import CursorWrapper

from interests.datasets import layout as layouts
from interests.datasets import rows
from interests.datasets.layout import Table
from interests.models import ID_LENGTH
from interests.services import copying

PARTS = ("items", "users", "events")
VALUE_LIMIT = 1e9  # far beyond any price or rating; the API takes the same
TITLE_LENGTH, CATEGORY_LENGTH, KIND_LENGTH = 1000, 200, 50
# A cell that is kept with a rejected row; longer ones are cut.
SHOWN_LENGTH = rows.SHOWN_CHARACTERS

REASONS: dict[str, str] = {
    "wrong_number_of_fields": "The line has more or fewer fields than the header has columns. "
    'Put fields that hold the delimiter into double quotes: "a, b".',
    "broken_quotes": "A double quote is opened and not closed, or stands inside a quoted field. "
    'Close it, and write a quote inside a field as "".',
    "nul_byte": "The line holds a NUL byte. Remove it; the file may be damaged.",
    "line_too_long": "The line is longer than about a megabyte. Shorten it.",
    "user_id_missing": "user_id is empty. Every event and end user needs one.",
    "user_id_too_long": f"user_id has more than {ID_LENGTH} characters. Shorten it.",
    "item_id_missing": "item_id is empty. Every event and item needs one.",
    "item_id_too_long": f"item_id has more than {ID_LENGTH} characters. Shorten it.",
    "kind_missing": "kind is empty. Say what happened: view, like, purchase, ...",
    "kind_too_long": f"kind has more than {KIND_LENGTH} characters. It is a word such as view.",
    "time_missing": "occurred_at is empty. Give the time of the event: 2026-03-31T18:05:00Z.",
    "time_not_readable": "occurred_at is no time. Write it as 2026-03-31T18:05:00Z (ISO 8601), or, "
    "in a MovieLens file, as seconds since 1970.",
    "time_out_of_range": "occurred_at is before the year 1 or after the year 9999.",
    "value_not_a_number": "value is no number. Write 4.5, or leave it empty.",
    "value_out_of_range": f"value is infinite, no number, or beyond {VALUE_LIMIT:.0e}.",
    "event_id_too_long": f"event_id has more than {ID_LENGTH} characters. Shorten it.",
    "session_id_too_long": f"session_id has more than {ID_LENGTH} characters. Shorten it.",
    "title_too_long": f"title has more than {TITLE_LENGTH} characters. Shorten it.",
    "category_too_long": f"A category has more than {CATEGORY_LENGTH} characters. Shorten it, or "
    "join several by |.",
}


@dataclass(frozen=True)
class Part:
    """One kind of file in a folder, staged.

    Attributes:
        name: "events", "items" or "users"
        file: name of the file
        columns: names of its columns; column i lies in `c<i>`
        flags: how many of the last columns are 0/1 marks of categories
        unkept: columns that are not stored
    """

    name: str
    file: str
    columns: tuple[str, ...]
    flags: int = 0
    unkept: tuple[str, ...] = ()

    @property
    def table(self) -> str:
        return f"import_{self.name}"

    def has(self, column: str) -> bool:
        return column in self.columns

    def sql(self, column: str) -> str:
        """Return the SQL of a column's text, '' where the file does not have it."""
        return f"s.c{self.columns.index(column)}" if self.has(column) else "''"


@contextmanager
def temporary_tables() -> Iterator[None]:
    """Drop what an earlier import left in this session, and at the end what this one made."""
    names = [f"import_{name}{end}" for name in PARTS for end in ("", "_bad", "_good")]
    statement = f"DROP TABLE IF EXISTS {', '.join(names)}, import_categories, import_events_ready"
    with connection.cursor() as cursor:
        cursor.execute(statement)
    try:
        yield
    finally:
        # Where the database is gone, so are its temporary tables.
        with suppress(DatabaseError), connection.cursor() as cursor:
            cursor.execute(statement)


def part_of(table: Table, *, name: str) -> Part:
    """Return how a table of a folder is staged.

    Raises:
        DatasetError: its columns are missing, doubled or too many.
    """
    columns = layouts.header_of(table) + table.flags
    return Part(name, table.path.name, columns, len(table.flags), table.unkept)


def stage_file(part: Part, table: Table, *, on_read: Callable[[int], object] | None = None) -> None:
    """Copy a file into its temporary table.

    Raises:
        DatasetError: it cannot be read to its end.
    """
    form = rows.Form(part.columns, table.delimiter, is_quoted=table.columns is None)
    with layouts.open_text(table, on_read=on_read) as text:
        if table.columns is None:
            text.readline(rows.MAX_LINE)
        first = 1 if table.columns else 2
        stage_blocks(part, rows.copy_blocks(text, form=form, first_line=first))


def stage_blocks(part: Part, blocks: Iterator[bytes]) -> None:
    """Copy blocks of COPY text into a new temporary table of this part."""
    fields = "".join(f", c{index} text" for index in range(len(part.columns)))
    with connection.cursor() as cursor:
        cursor.execute(
            f"CREATE TEMP TABLE {part.table} (line bigint, problem text, raw text{fields})"
        )
        copying.copy_in(
            cursor,
            statement=f"COPY {part.table} FROM STDIN WITH (FORMAT text, DELIMITER E'\\x1f', "
            "ENCODING 'UTF8')",
            blocks=blocks,
        )
        cursor.execute(f"ANALYZE {part.table} (line, problem)")


def find_bad(part: Part, *, is_epoch: bool = False) -> int:
    """Collect the lines that cannot be used, with the first reason of each; return how many."""
    checks = {"events": _event_checks, "items": _item_checks, "users": _user_checks}[part.name]
    tests = checks(part, is_epoch)
    cases = "\n".join(f"WHEN {test} THEN '{reason}'" for reason, test in tests)
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            CREATE TEMP TABLE {part.table}_bad AS SELECT * FROM (
                SELECT s.line, CASE WHEN s.problem <> '' THEN s.problem {cases} END AS reason
                FROM {part.table} s
            ) checked WHERE reason IS NOT NULL
            """
        )
        cursor.execute(f"ANALYZE {part.table}_bad")
        return count(cursor, f"{part.table}_bad")


def count(cursor: CursorWrapper, table: str) -> int:
    """Return the number of rows of a table."""
    cursor.execute(f"SELECT count(*) FROM {table}")
    return int(cursor.fetchone()[0])


def time_sql(part: Part, *, is_epoch: bool) -> str:
    """Return the SQL of an event's time; fit for lines that are not bad."""
    text = f"btrim({part.sql('occurred_at')})"
    return f"to_timestamp({text}::float8)" if is_epoch else f"{text}::timestamptz"


def _id_checks(part: Part, *columns: str) -> list[tuple[str, str]]:
    return [
        check
        for column in columns
        for check in (
            (f"{column}_missing", f"btrim({part.sql(column)}) = ''"),
            (f"{column}_too_long", f"length({part.sql(column)}) > {ID_LENGTH}"),
        )
    ]


def _event_checks(part: Part, is_epoch: bool) -> list[tuple[str, str]]:
    time, value = f"btrim({part.sql('occurred_at')})", f"btrim({part.sql('value')})"
    checks = _id_checks(part, "user_id", "item_id")
    if part.has("kind"):
        kind = f"btrim({part.sql('kind')})"
        checks += [
            ("kind_missing", f"{kind} = ''"),
            ("kind_too_long", f"length({kind}) > {KIND_LENGTH}"),
        ]
    checks.append(("time_missing", f"{time} = ''"))
    if is_epoch:
        checks += [
            ("time_not_readable", f"NOT pg_input_is_valid({time}, 'float8')"),
            ("time_out_of_range", f"NOT {time}::float8 BETWEEN -62135500000 AND 253402200000"),
        ]
    else:
        # The form first: PostgreSQL also reads "now", "infinity" and "Jan 5".
        checks += [
            ("time_not_readable", f"{time} NOT LIKE '____-__-__%' OR {time} ILIKE '%bc%'"),
            ("time_not_readable", f"NOT pg_input_is_valid({time}, 'timestamptz')"),
            (
                "time_out_of_range",
                f"NOT {time}::timestamptz BETWEEN '0001-01-02Z' AND '9999-12-30Z'",
            ),
        ]
    if part.has("value"):
        checks += [
            ("value_not_a_number", f"{value} <> '' AND NOT pg_input_is_valid({value}, 'float8')"),
            ("value_out_of_range",
             f"{value} <> '' AND NOT {value}::float8 BETWEEN -{VALUE_LIMIT:.0f} AND {VALUE_LIMIT:.0f}"),
        ]  # fmt: skip
    for column in ("event_id", "session_id"):
        if part.has(column):
            checks.append((f"{column}_too_long", f"length({part.sql(column)}) > {ID_LENGTH}"))
    return checks


def _item_checks(part: Part, is_epoch: bool) -> list[tuple[str, str]]:
    checks = _id_checks(part, "item_id")
    if part.has("title"):
        checks.append(("title_too_long", f"length({part.sql('title')}) > {TITLE_LENGTH}"))
    if part.has("categories"):
        names = f"string_to_array({part.sql('categories')}, '|')"
        too_long = f"(SELECT max(length(btrim(n))) FROM unnest({names}) n) > {CATEGORY_LENGTH}"
        checks.append(
            (
                "category_too_long",
                f"length({part.sql('categories')}) > {CATEGORY_LENGTH} AND {too_long}",
            )
        )
    return checks


def _user_checks(part: Part, is_epoch: bool) -> list[tuple[str, str]]:
    return _id_checks(part, "user_id")
