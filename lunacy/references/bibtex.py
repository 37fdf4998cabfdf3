"""The references in BibTeX and BibLaTeX, entry by entry."""

from __future__ import annotations

import re
from collections.abc import Mapping

from lunacy.bibtex import MARKUP, Fields, bibtex_entries
from lunacy.references.reference import Reference, reference_of

_PARENTS = ("crossref", "xdata")
_NOT_OF_PARENTS = frozenset(("title", "author", "crossref", "doi", "eprint", "url"))


def references_of_bibtex(text: str) -> list[Reference]:
    """A reference for each entry, in order; those of one key too."""
    entries = bibtex_entries(text)
    by_key: dict[str, Fields] = {}
    for one in entries:
        by_key.setdefault(one.key.lower(), one.fields)
    return [_reference(one.line, one.key, _with_parents(one.fields, by_key)) for one in entries]


def _reference(line: int, key: str, fields: Mapping[str, str]) -> Reference:
    plain = {name: MARKUP.sub("", value) for name, value in fields.items()}
    title = " ".join(fields.get("title", "").split())
    if subtitle := " ".join(fields.get("subtitle", "").split()):
        title = f"{title}: {subtitle}"
    plain["title"] = title  # its key knows TeX
    plain.setdefault("journal", plain.get("journaltitle", ""))
    return reference_of(f"line {line}", key, plain, surname=surname_of(fields.get("author", "")))


def surname_of(authors: str) -> str:
    """The family name of the first of `authors`, as BibTeX has them: "Last, First and ..." or "First Last and ..."."""
    first = re.split(r"\s+and\s+", authors.strip(), maxsplit=1)[0]
    if first.startswith("{") and first.endswith("}") and first.count("{") == 1:
        return first[1:-1]  # a group
    family, comma, _given = first.partition(",")
    return family.strip() if comma else (first.split() or [""])[-1]


def _with_parents(fields: Fields, by_key: Mapping[str, Fields]) -> Fields:
    """With the fields of the entry that it refers to, but for those that are of that entry alone."""
    for name in _PARENTS:
        parent = by_key.get(fields.get(name, "").strip().lower())
        if parent is not None and parent is not fields:
            fields = {one: value for one, value in parent.items() if one not in _NOT_OF_PARENTS} | fields
    return fields
