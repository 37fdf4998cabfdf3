"""What is read: a reference, and the draft that has it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from lunacy.doi import doi_of, dois_in
from lunacy.paper import canonical_id
from lunacy.references.mentions import ids_in, year_in
from lunacy.title_key import title_key


@dataclass(frozen=True, slots=True)
class Reference:
    """A paper that is referred to, as far as the reference says which."""

    where: str  # "line 12"
    key: str = ""  # what the draft calls it: gupta2018multitask, or [12]
    title: str = ""
    ids: tuple[str, ...] = ()  # arXiv ids, as arXiv writes them, the most telling first
    dois: tuple[str, ...] = ()  # in lower case
    year: int | None = None
    surname: str = ""  # of the first author
    text: str = ""  # the whole reference, where its parts are not known

    @property
    def shown(self) -> str:
        """The reference in a few words, for a person."""
        name = self.title or self.text or " ".join((*self.ids, *self.dois))
        name = " ".join(name.split())
        return " ".join(filter(None, [self.key, name if len(name) <= 80 else f"{name[:80]}..."]))


@dataclass(frozen=True, slots=True)
class Draft:
    """What was read of a draft; a bibliography has references alone."""

    references: tuple[Reference, ...]
    title: str = ""
    abstract: str = ""
    date: str = ""  # ISO, or only a month or a year; "": unknown
    notes: tuple[str, ...] = ()  # what the asker should know
    head: str = ""  # its beginning, where the title is somewhere in it

    def has_title(self, title: str) -> bool:
        """Whether it has this title; of its own, the first line alone may be known."""
        own, key = title_key(self.title), title_key(title)
        if len(own) < _TELLING or not key.startswith(own):
            return bool(own) and key == own
        return key == own or key in title_key(self.head)


_TELLING = 20  # letters of a title that no other begins with by chance
_ID_FIELDS = ("eprint", "arxivid", "arxiv")  # that hold an id and nothing else
_MENTIONING = ("url", "journal", "volume", "number", "howpublished", "note", "annote", "extra", "publisher", "pages")


def reference_of(where: str, key: str, fields: Mapping[str, str], *, surname: str) -> Reference:
    """The reference that fields describe, by their names in BibTeX and in lower case, whose values have no braces."""
    return Reference(
        where,
        key,
        fields.get("title", ""),
        tuple(_ids(fields)),
        tuple(_dois(fields)),
        year_in(fields.get("year", "") or fields.get("date", "")),
        surname,
    )


def _ids(fields: Mapping[str, str]) -> Iterable[str]:
    """The arXiv ids in the fields, each once: of fields for an id first; elsewhere only where there is just one."""
    kind = (fields.get("archiveprefix") or fields.get("eprinttype") or "arxiv").lower()
    found = []
    for name in _ID_FIELDS:
        value = fields.get(name, "").strip()
        if name == "eprint" and "arxiv" not in kind:
            value = f"{kind}/{value}"  # hep-th and 9711200; of pubmed there is no such archive
        found.append(canonical_id(value))
    found.append(canonical_id(fields.get("doi", "")))
    for name in _MENTIONING:
        value = fields.get(name, "")
        mentioned = ids_in(value)
        found.append(canonical_id(value) or (mentioned[0] if len(mentioned) == 1 else None))
    return dict.fromkeys(one for one in found if one)


def _dois(fields: Mapping[str, str]) -> Iterable[str]:
    """The DOIs of publishers in the fields, each once."""
    found = [doi_of(fields.get("doi", "")), doi_of(fields.get("url", ""))]
    for name in ("note", "howpublished", "extra"):
        mentioned = dois_in(fields.get(name, ""))
        found += mentioned if len(mentioned) == 1 else []
    return dict.fromkeys(one for one in found if one and not canonical_id(one))
