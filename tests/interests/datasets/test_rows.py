from __future__ import annotations

import io

from hypothesis import given
from hypothesis import strategies as st

from interests.datasets import rows

FORM = rows.Form(("a", "b"))


def cut(text, form=FORM):
    """Return what COPY would read: line number, problem, fields."""
    data = b"".join(rows.copy_blocks(io.StringIO(text), form=form, first_line=1)).decode()
    found = []
    for line in data.split("\n")[:-1]:
        number, problem, _, *fields = _split(line)
        found.append((int(number), problem, fields))
    return found


def _split(line):
    """Undo COPY's escapes."""
    fields, at = [""], 0
    while at < len(line):
        if line[at] == "\\":
            at += 1
            fields[-1] += {"n": "\n", "r": "\r"}.get(line[at], line[at])
        elif line[at] == rows.SEPARATOR:
            fields.append("")
        else:
            fields[-1] += line[at]
        at += 1
    return fields


def test_copy_blocks_plain_lines():
    assert cut("1,2\n3,4\n") == [(1, "", ["1", "2"]), (2, "", ["3", "4"])]


def test_copy_blocks_last_line_without_an_end():
    assert cut("1,2\n3,4") == [(1, "", ["1", "2"]), (2, "", ["3", "4"])]


def test_copy_blocks_blank_lines_are_no_rows():
    assert cut("\n1,2\n\n  \n3,4\n\n") == [(2, "", ["1", "2"]), (5, "", ["3", "4"])]


def test_copy_blocks_quotes_backslashes_and_separators():
    text = '"1,""x",2\\\n\\N,a\x1fb\n'

    assert cut(text) == [(1, "", ['1,"x', "2\\"]), (2, "", ["\\N", "a\x1fb"])]


def test_copy_blocks_open_quote_spares_the_next_lines():
    assert cut('"1,2\n3,4\n') == [(1, "broken_quotes", ["", ""]), (2, "", ["3", "4"])]


def test_copy_blocks_open_quote_at_the_end_of_a_block(monkeypatch):
    monkeypatch.setattr(rows, "BLOCK_CHARACTERS", 8)

    assert cut('1,2\n"3\n\n4",5\n6,7\n') == [
        (1, "", ["1", "2"]),
        (2, "", ["3\n\n4", "5"]),
        (5, "", ["6", "7"]),
    ]


def test_copy_blocks_long_line_without_end_is_let_go(monkeypatch):
    monkeypatch.setattr(rows, "BLOCK_CHARACTERS", 8)
    monkeypatch.setattr(rows, "MAX_LINE", 20)

    found = cut("1,2\n" + "x" * 100 + ",3\n4,5\n")

    assert found == [
        (1, "", ["1", "2"]),
        (2, "line_too_long", ["", ""]),
        (3, "", ["4", "5"]),
    ]


def test_copy_blocks_long_delimiter_without_quotes():
    form = rows.Form(("a", "b"), delimiter="::", is_quoted=False)

    assert cut('1::"x\n', form) == [(1, "", ["1", '"x'])]


CELL = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\0\r"), min_size=1, max_size=8
)


@given(st.lists(st.tuples(CELL, CELL), max_size=20))
def test_copy_blocks_reads_back_what_a_csv_writer_wrote(pairs):
    import csv

    file = io.StringIO()
    csv.writer(file, lineterminator="\n", quoting=csv.QUOTE_ALL).writerows(pairs)

    assert [tuple(fields) for _, problem, fields in cut(file.getvalue()) if not problem] == pairs


@given(st.text(st.sampled_from('ab,"\n\\\x1f\0'), max_size=60))
def test_copy_blocks_accounts_for_every_line(text):
    numbers = [number for number, _, _ in cut(text)]

    assert numbers == sorted(set(numbers))
    assert not numbers or numbers[-1] <= text.count("\n") + 1
