"""A file of ids, or a pipe -> ids. The form is told by the first line that says something."""

from __future__ import annotations

import codecs
import io
import os
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from itertools import chain

from lunacy.errors import ListError
from lunacy.idlist.bibtex import ENTRY, ids_of_bibtex
from lunacy.idlist.objects import ids_of_json
from lunacy.idlist.table import delimiter_of, ids_of_table
from lunacy.idlist.words import Listed, lines_of, says_something
from lunacy.kinds import HEAD_BYTES, is_binary, kind_of, utf16_of
from lunacy.paper import canonical_id

FORMS = 'one id a line, a table with a column "id", JSON with "id", or BibTeX with eprint'
_PIECE_BYTES = 2**20
_LONGEST_LINE = 2**12  # bytes kept of a line: no id is so long
_COMMENT = re.compile(r"(?:^|(?<=\s))#.*", re.DOTALL)  # not the C# of a title
_ENTRY = re.compile(rf"^[ \t]*{ENTRY}", re.MULTILINE)
Form = Callable[[str, str, Callable[[str], None]], list[Listed]]


def read_ids(source: str, note: Callable[[str], None]) -> Iterator[list[Listed]]:
    """The ids of a file, or of standard input for "-", in groups: of a slow pipe, line by line as they come.

    The forms are FORMS, in UTF-8, or in UTF-16 with its byte order mark. `note`: told what is passed over. Raises
    ListError, naming the file and the line, for anything else.
    """
    name = name_of(source)
    with _open(source) as file:
        pieces = iter(partial(file.read1, _PIECE_BYTES), b"")
        head = b""
        for piece in pieces:
            head += piece
            if len(head) >= HEAD_BYTES or _first_line(head.decode(errors="replace"), is_whole=False):
                break
        if utf16_of(head):
            head += b"".join(pieces)
            head, pieces = decoded(head, name).encode(), iter(())
        text = head.removeprefix(codecs.BOM_UTF8).decode(errors="replace")
        first = _first_line(text, is_whole=True)
        form = None if not first or canonical_id(first) else _form(text, first, head, name)
        if form is None:
            yield from _lines(chain([head], pieces), name)
        else:
            yield form(decoded(head + b"".join(pieces), name), name, note)


def _form(text: str, first: str, head: bytes, name: str) -> Form | None:
    """What reads it all; None for one id a line. Raises ListError for a file of another kind."""
    if kind := kind_of(head):
        raise ListError(f"{name}: is {kind}; give {FORMS}")
    _refuse_nul(text, name, 1)
    if is_binary(head):
        raise ListError(f"{name}: is binary data of an unknown kind; give {FORMS}")
    if first.startswith(("[", "{")):
        return ids_of_json
    if _ENTRY.search(text) or name.endswith(".bib"):
        return ids_of_bibtex
    return ids_of_table if delimiter_of(first) else None


def read_text(source: str) -> str:
    """All of a file, or of standard input for "-", as text. Raises ListError."""
    with _open(source) as file:
        raw = file.read()
    if kind := kind_of(raw[:HEAD_BYTES]):
        raise ListError(f"{name_of(source)}: is {kind}; give plain text")
    return decoded(raw, name_of(source))


def decoded(raw: bytes, name: str) -> str:
    """UTF-8, or UTF-16 or -32 with its byte order mark. What is not UTF-8 becomes a mark, of which no id has one."""
    encoding = utf16_of(raw)
    try:
        text = raw.decode(encoding) if encoding else raw.decode("utf-8-sig", errors="replace")
    except UnicodeDecodeError as error:
        raise ListError(f"{name}: cut off or damaged: not {encoding} at byte {error.start}") from None
    _refuse_nul(text, name, 1)
    return text


def name_of(source: str) -> str:
    """How messages call a file, or standard input."""
    return "standard input" if source == "-" else source


def _open(source: str) -> io.BufferedReader:
    try:
        if source == "-":
            return open(os.dup(sys.stdin.fileno()), "rb")
        return open(source, "rb")
    except io.UnsupportedOperation:  # not a real file: somebody replaced sys.stdin
        return io.BufferedReader(io.BytesIO(sys.stdin.buffer.read()))
    except OSError as error:
        raise ListError(f"{source}: {error.strerror}; give {FORMS}") from None


def _first_line(text: str, *, is_whole: bool) -> str:
    """The first line that says something; "" where there is none yet."""
    lines = lines_of(text.removeprefix("\ufeff"))
    if not is_whole and lines and not lines[-1].endswith(("\n", "\r")):
        lines.pop()
    return next((line.strip() for line in lines if says_something(line)), "")


def _lines(pieces: Iterable[bytes], name: str) -> Iterator[list[Listed]]:
    """One id a line, a comment behind #. No line is held that is longer than any id."""
    rest, number = b"", 0
    for piece in chain(pieces, [b""]):
        data = rest + piece
        half = b"\r" if piece and data.endswith(b"\r") else b""  # of a line end, perhaps
        *lines, rest = data.removesuffix(half).replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
        if not piece:
            lines.append(rest)
        rest = rest[:_LONGEST_LINE] + half
        group = []
        for line in lines:
            number += 1
            text = line[:_LONGEST_LINE].decode("utf-8-sig", errors="replace")
            text = _COMMENT.sub("", text).strip()
            _refuse_nul(text, name, number)
            if text:
                group.append(Listed(text, f"line {number}"))
        yield group


def _refuse_nul(text: str, name: str, first_line: int) -> None:
    if "\0" in text:
        line = first_line + text[: text.index("\0")].count("\n")
        what = "a zero byte, so this is binary, or UTF-16 without a byte order mark"
        raise ListError(f"{name}, line {line}: holds {what}; save it as UTF-8")
