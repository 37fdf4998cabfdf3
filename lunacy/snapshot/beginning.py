"""Whether a file begins like a snapshot, and what it is if not."""

from __future__ import annotations

import codecs
import re

from lunacy.kinds import is_binary, kind_of, utf16_of

_LIST = re.compile(rb"\s*\[\s*\{")
_SPREAD = re.compile(rb'\s*\{[ \t]*\r?\n\s*"')  # an object over several lines
_RECORD = re.compile(rb'^\s*\{\s*"', re.MULTILINE)
_SHOWN = 60  # characters


def why_no_snapshot(head: bytes, *, is_enough: bool) -> str:
    """What a text is that begins with `head`, and what to do about it; "" when it may be a snapshot.

    `is_enough`: `head` is all of it, or so much that a line of a snapshot should be in it.
    """
    text = head.removeprefix(codecs.BOM_UTF8)
    if kind := kind_of(head):
        return f"is {kind}" if "; " in kind else f"is {kind}; give a snapshot in JSON Lines"
    if encoding := utf16_of(head):
        return f"is text in {encoding}; turn it into UTF-8 with: iconv -f {encoding} -t UTF-8"
    if _LIST.match(text):
        return "is one JSON list, not a line for each paper; make lines of it with: jq -c '.[]'"
    if _SPREAD.match(text):
        return "is JSON over several lines, not a line for each paper; make lines of it with: jq -c ."
    if not is_enough or _RECORD.search(text):
        return ""
    if not text.strip():
        return "holds no line; is it the right file?"
    if is_binary(text):
        return "is binary data of an unknown kind; give a snapshot in JSON Lines"
    first = text.lstrip().partition(b"\n")[0][:_SHOWN].decode(errors="replace")
    return f"is not in JSON Lines: it begins with {first!r}; give a snapshot, with a JSON object for each paper"
