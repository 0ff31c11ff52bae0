import ast
import gettext
import string
from pathlib import Path

import pytest

from recommender.ranking import messages, reason_words
from recommender.ranking.messages import BadMessages, from_po, language_of

OTHERS = sorted(set(messages.LANGUAGES) - {messages.DEFAULT})
# The function of `reason_words` that a message stands in, and which of its arguments are messages.
CALLS = {"say": 1, "many": 2, "verb": 2}


def used() -> list[tuple[str, ...]]:
    """Return the messages in the code: (text), (one, more), (context, text)."""
    tree = ast.parse(Path(reason_words.__file__).read_text("utf-8"))
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            count = CALLS.get(node.func.attr, 0)
            if count:
                found.append((node.func.attr, *(ast.literal_eval(a) for a in node.args[:count])))
    return found


def key_of(call: tuple[str, ...]) -> str:
    kind, *texts = call
    return {"say": "\0", "many": "\0", "verb": "\4"}[kind].join(texts)


def places(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def po_of(language: str) -> dict[str, tuple[str, ...]]:
    path = messages.FOLDER / language.replace("-", "_") / "LC_MESSAGES" / "reasons.po"
    return from_po(path.read_text("utf-8"))


@pytest.mark.parametrize("language", OTHERS)
def test_every_message_is_translated_and_nothing_else(language):
    translated = set(po_of(language)) - {""}

    assert translated == {key_of(call) for call in used()}
    assert len(translated) > 20


@pytest.mark.parametrize("language", OTHERS)
def test_translations_name_only_what_is_filled_in(language):
    for key, said in po_of(language).items():
        known = places(key) | ({"total"} if "{num}" in key else set())
        assert all(places(text) <= known for text in said), key


@pytest.mark.parametrize("language", OTHERS)
def test_each_language_has_a_plural_rule(language):
    header = messages.translations(language).info()

    assert header["plural-forms"] == "nplurals=1; plural=0;"
    assert header["language"] == language.replace("-", "_")


def test_po_is_read_as_gettext_reads_it(tmp_path):
    text = """
# a comment
msgid ""
msgstr "Plural-Forms: nplurals=2; plural=n != 1;\\n"
"Content-Type: text/plain; charset=UTF-8\\n"

#: code.py:1
msgid "one"
msgstr "ein\\"s"

msgctxt "month"
msgid "May"
msgstr "Mai"

msgid "{num} thing"
msgid_plural "{num} "
"things"
msgstr[0] "{num} Ding"
msgstr[1] "{num} Dinge"

#, fuzzy
msgid "unsure"
msgstr "unsicher"

msgid "missing"
msgstr ""
"""
    mo = tmp_path / "x.mo"
    mo.write_bytes(messages.to_mo(from_po(text)))

    with mo.open("rb") as file:
        found = gettext.GNUTranslations(file)

    assert found.gettext("one") == 'ein"s'
    assert found.pgettext("month", "May") == "Mai"
    assert found.gettext("May") == "May"
    assert [found.ngettext("{num} thing", "{num} things", n) for n in (1, 2)] == [
        "{num} Ding",
        "{num} Dinge",
    ]
    assert (found.gettext("unsure"), found.gettext("missing")) == ("unsure", "missing")


@pytest.mark.parametrize("line", ["msgid one", '"alone"', 'msgid "a\\"', "<html>"])
def test_a_line_that_is_none_is_named(line):
    with pytest.raises(BadMessages, match="cannot be read"):
        from_po(line)


@pytest.mark.parametrize(
    ("wanted", "language"),
    [
        ("", "en"),
        ("zh", "zh-Hans"),
        ("zh-CN", "zh-Hans"),
        ("zh_Hans", "zh-Hans"),
        ("ZH-hans-cn", "zh-Hans"),
        ("en-GB,zh;q=0.9", "en"),
        ("zh-CN,zh;q=0.9,en;q=0.8", "zh-Hans"),
        ("en;q=0.1, zh;q=0.2", "zh-Hans"),
        ("fr,zh;q=0.5", "zh-Hans"),
        ("zh;q=0, fr", "en"),
        ("fr", "en"),
        ("*", "en"),
        ("zh;q=nonsense", "zh-Hans"),
        (";;,,=\0", "en"),
        ("x" * 10_000, "en"),
    ],
)
def test_the_language_that_suits_best_is_chosen(wanted, language):
    assert language_of(wanted) == language
