"""Translations out of .po files, which translators edit with their usual tools; there is nothing to compile.

A .po file becomes what `gettext` reads: the format of .mo files, see "The Format of GNU MO Files" in the
manual of GNU gettext. That takes a millisecond once in each process.
"""

from __future__ import annotations

import ast
import functools
import re
import struct
from collections.abc import Iterable
from gettext import GNUTranslations, NullTranslations
from io import BytesIO
from pathlib import Path

FOLDER = Path(__file__).parents[1] / "locale"
DOMAIN = "reasons"
DEFAULT = "en"  # what the messages in the code are written in
LANGUAGES = {DEFAULT: "English", "zh-Hans": "简体中文"}
MAGIC, HEADER = 0x950412DE, 28
# Of an Accept-Language header; longer ones are no browser's.
MOST_CHARACTERS = 500

_KEYWORD = re.compile(r'(msgctxt|msgid_plural|msgid|msgstr(?:\[\d\])?)?\s*(".*")$')


class BadMessages(ValueError):
    """A .po file cannot be read; the message says which line."""


def translations(language: str) -> NullTranslations:
    """Return the messages of one of `LANGUAGES`."""
    return _read(language)


@functools.cache
def _read(language: str) -> NullTranslations:
    if language == DEFAULT:
        return NullTranslations()
    path = FOLDER / language.replace("-", "_") / "LC_MESSAGES" / f"{DOMAIN}.po"
    return GNUTranslations(BytesIO(to_mo(from_po(path.read_text("utf-8")))))


@functools.lru_cache(maxsize=256)
def language_of(wanted: str) -> str:
    """Return the one of `LANGUAGES` that suits best, English where none does.

    Args:
        wanted: a language such as "zh-CN", or an Accept-Language header (RFC 9110, 12.5.4).
    """
    weighed = []
    for place, part in enumerate(wanted[:MOST_CHARACTERS].split(",")):
        tag, _, quality = part.strip().partition(";")
        weighed.append((-_quality(quality), place, tag.strip().lower().replace("_", "-")))
    for refused, _, tag in sorted(weighed):
        for language in LANGUAGES:
            if refused and tag.split("-")[0] == language.split("-")[0]:
                return language
    return DEFAULT


def _quality(text: str) -> float:
    found = re.fullmatch(r"\s*q=([01](?:\.\d{0,3})?)\s*", text)
    return float(found[1]) if found else 1.0


def from_po(text: str) -> dict[str, tuple[str, ...]]:
    """Return the translations of a .po file: one, or one for each plural form.

    Known are context, plurals and comments; entries without a translation or marked fuzzy are left out.
    Keys are as `gettext` has them: context, "\\4", message; with plurals also "\\0" and the plural.

    Raises:
        BadMessages: a line is none of these.
    """
    found: dict[str, tuple[str, ...]] = {}
    # Entries are parted by empty lines.
    for entry in re.split(r"\n\s*\n", text):
        parts = _parts(entry.splitlines())
        if "msgid" not in parts or re.search(r"^#,.*\bfuzzy\b", entry, re.MULTILINE):
            continue
        key = f"{parts['msgctxt']}\4" if "msgctxt" in parts else ""
        key += parts["msgid"]
        key += f"\0{parts['msgid_plural']}" if "msgid_plural" in parts else ""
        said = tuple(parts[name] for name in sorted(parts) if name.startswith("msgstr"))
        if all(said):
            found[key] = said
    return found


def _parts(lines: Iterable[str]) -> dict[str, str]:
    parts: dict[str, str] = {}
    current = ""
    for line in lines:
        if not line.strip() or line.startswith("#"):
            continue
        found = _KEYWORD.match(line)
        if found is None or not (found[1] or current):
            raise BadMessages(f"This line of a .po file cannot be read: {line}")
        current = found[1] or current
        try:
            parts[current] = parts.get(current, "") + ast.literal_eval(found[2])
        except (SyntaxError, ValueError):
            raise BadMessages(f"This line of a .po file cannot be read: {line}") from None
    return parts


def to_mo(found: dict[str, tuple[str, ...]]) -> bytes:
    """Return translations as a .mo file has them."""
    entries = sorted((key.encode(), "\0".join(said).encode()) for key, said in found.items())
    count = len(entries)
    place = HEADER + 16 * count
    tables: list[list[int]] = []
    texts = b""
    for column in range(2):
        table: list[int] = []
        for entry in entries:
            table += [len(entry[column]), place + len(texts)]
            texts += entry[column] + b"\0"
        tables.append(table)
    head = struct.pack("<7I", MAGIC, 0, count, HEADER, HEADER + 8 * count, 0, HEADER)
    return head + struct.pack(f"<{4 * count}I", *tables[0], *tables[1]) + texts
