"""The arXiv ids in BibTeX and BibLaTeX, also where a file is not quite in order."""

from __future__ import annotations

import re
from collections.abc import Callable

from lunacy.bibtex import MARKUP, bibtex_entries
from lunacy.errors import ListError
from lunacy.idlist.words import Listed
from lunacy.paper import canonical_id

ENTRY = r"@\s*[A-Za-z]+\s*[{(]"
_FIELDS = ("eprint", "arxivid", "arxiv", "doi", "url", "journal", "volume", "howpublished", "note")  # the best first
_SENTENCES = ("journal", "howpublished")  # where an id may stand among words
_KINDS = ("archiveprefix", "eprinttype")
_MENTION = re.compile(
    r"(?:\barxiv[.:]\s*|\barxiv\.org/(?:abs|pdf)/)((?:[a-z-]+(?:\.[a-z-]+)?/)?[\d.]+\d)", re.IGNORECASE
)


def ids_of_bibtex(text: str, name: str, note: Callable[[str], None]) -> list[Listed]:
    """An id for each entry that has one. Raises ListError where none has."""
    found, n_without = [], 0
    for entry in bibtex_entries(text):
        identifier = _id_of({field: MARKUP.sub("", value) for field, value in entry.fields.items()})
        if identifier:
            found.append(Listed(identifier, f"line {entry.line}"))
        n_without += not identifier
    if not found:
        raise ListError(f"{name}: none of its {n_without:,} entries has an arXiv id in eprint, doi, url or journal")
    if n_without:
        note(f"{name}: {n_without:,} of {n_without + len(found):,} entries have no arXiv id and are passed over")
    return found


def _id_of(fields: dict[str, str]) -> str | None:
    """The arXiv id in the fields of an entry."""
    kind = next((fields[name] for name in _KINDS if name in fields), "arxiv").lower()
    for name in _FIELDS:
        value = fields.get(name, "")
        if name == "eprint" and "arxiv" not in kind:
            value = f"{kind}/{value}"  # hep-th and 9711200; of pubmed there is no such archive
        mentions = _MENTION.findall(value) if name in _SENTENCES else []
        if identifier := canonical_id(value) or (canonical_id(mentions[0]) if len(mentions) == 1 else None):
            return identifier
    return None
