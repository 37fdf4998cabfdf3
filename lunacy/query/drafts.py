"""Read what has references, by what it is: a draft, a bibliography, or a list of ids."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import orjson

from lunacy.idlist import read_ids
from lunacy.paper import canonical_id
from lunacy.references import Draft, Reference, is_csl, read_draft

_OF_IDS = (".csv", ".tsv", ".ids", ".jsonl", ".ndjson")
_OF_REFERENCES = (".bib", ".bbl", ".tex", ".ris", ".rdf", ".md", ".pdf")


def read_references(source: str, note: Callable[[str], None]) -> Draft:
    """The references in a file, or of a list of ids in standard input for "-". `note`: told what is passed over.

    Raises ListError for what is neither, MissingExtra for a PDF without what reads it.
    """
    if source != "-" and not _lists_ids(Path(source)):
        draft = read_draft(Path(source))
        for one in draft.notes:
            note(one)
        return draft
    return Draft(tuple(_of_id(one.text, one.where) for group in read_ids(source, note) for one in group))


def _lists_ids(path: Path) -> bool:
    """Whether it is a list of ids: by its suffix, else as its first line, or its JSON, tells."""
    suffix = path.suffix.lower()
    if suffix in (*_OF_IDS, *_OF_REFERENCES) or not path.is_file():
        return suffix in _OF_IDS
    with path.open("rb") as file:
        head = file.read(2**16)
    if head.lstrip().startswith((b"[", b"{")):
        try:
            return not is_csl(orjson.loads(path.read_bytes()))
        except orjson.JSONDecodeError:
            return True
    lines = (line.strip() for line in head.decode("utf-8-sig", errors="replace").splitlines())
    first = next((line for line in lines if line and not line.startswith("#")), "")
    return canonical_id(first.partition(" #")[0]) is not None


def _of_id(text: str, where: str) -> Reference:
    identifier = canonical_id(text)
    return Reference(where, ids=(identifier,)) if identifier else Reference(where, title=text)
