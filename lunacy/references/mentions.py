"""What a sentence mentions: arXiv ids, and years."""

from __future__ import annotations

import re

from lunacy.paper import canonical_id, id_fault

_OLD = r"[a-z]+(?:-[a-z]+)?(?:\.[a-z]{2})?/\d{7}"
_NEW = r"\d{4}\.\d{4,5}"
_MENTION = re.compile(
    rf"""(?<![\w./-]) (?: (?: arxiv \s* (?:e-?print|preprint|id)? \s* [.:,]? \s* | abs/ ) (?P<named> {_NEW} | {_OLD} )
       | (?:https?://)? (?:[\w-]+\.)* arxiv\.org / (?:abs|pdf|html) / (?P<linked> {_NEW} | {_OLD} )
       | (?:https?://)? (?:[\w-]+\.)* alphaxiv\.org / abs / (?P<alpha> {_NEW} )
       | 10\.48550/arxiv\. (?P<doi> {_NEW} | {_OLD} )
       | \[? (?P<old> {_OLD} ) (?![\w/]) ) (?!\d)""",
    re.VERBOSE | re.IGNORECASE | re.ASCII,
)
_YEAR = re.compile(r"(?<!\d)(1[89]\d\d|20\d\d)(?!\d)")


def ids_in(text: str) -> list[str]:
    """The arXiv ids that are mentioned in `text` as such, in order, each once."""
    found = (canonical_id(next(filter(None, match.groups()))) for match in _MENTION.finditer(text))
    return list(dict.fromkeys(one for one in found if one and not id_fault(one)))


def year_in(text: str) -> int | None:
    """The first year in `text`, from 1800 on; None where there is none."""
    match = _YEAR.search(text)
    return int(match[1]) if match else None
