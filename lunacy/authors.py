"""The authors of a paper, each with family and given name, as bibliographies and lists want them."""

from __future__ import annotations

import re
from typing import NamedTuple

from lunacy.names import authors_of
from lunacy.paper import Paper
from lunacy.unicode import to_unicode

_GROUP = re.compile(r"\b(?:collaborat|consorti|group|team|working)", re.IGNORECASE)
_SUFFIX = re.compile(r"(?:jr|sr|jnr|snr|iii?|iv)\.?", re.IGNORECASE)
_AND = re.compile(r"(?:^|\s)and(?:\s|$)", re.IGNORECASE)  # between names, to BibTeX, wherever it stands
# Words that belong to the family name behind them; so does any in lower case.
_PARTICLES = frozenset("Van Von De Di Del Della Da Dos Du Le La El Lo St. Ter Ten Vander Vanden".split())


class Author(NamedTuple):
    """A person; or a group, whose name is its `family`."""

    family: str
    given: str = ""
    suffix: str = ""  # Jr., III

    @property
    def name(self) -> str:
        """As people write it: "Girish K. Palshikar"."""
        return " ".join(filter(None, (self.given, self.family, self.suffix)))

    @property
    def is_group(self) -> bool:
        """Whether it is a collaboration or the like."""
        return not self.given and _GROUP.search(self.family) is not None


def authors(paper: Paper) -> list[Author]:
    """The authors of `paper`, with the characters that their TeX stands for; from `Paper.names` where it has them."""
    if paper.names:
        found = [_listed(name) for name in to_unicode(paper.names).split("; ")]
    else:
        names = authors_of(" ".join(to_unicode(paper.authors).split()))
        found = [_written(part) for name in names for part in _AND.split(name)]
    return [one for one in found if one.family]


def first_authors(paper: Paper) -> str:
    """For a list: "Gupta", "Ooguri and Sasakura", "Gupta et al."; "" where there are none."""
    found = authors(paper)
    if len(found) > 2:
        return f"{found[0].family} et al."
    return " and ".join(one.family for one in found)


def _listed(name: str) -> Author:
    """From "Last, First, Jr."."""
    family, *others = [_AND.sub(" ", part).strip() for part in name.split(", ")]
    given, suffix = [*others, "", ""][:2]
    if _SUFFIX.fullmatch(given):
        given, suffix = suffix, given
    if _GROUP.search(f"{given} {family}"):
        return Author(f"{given} {family}".strip())
    return Author(family, given, suffix)


def _written(name: str) -> Author:
    """From "First von Last Jr."."""
    words = name.replace("~", " ").split()
    if _GROUP.search(name) or len(words) < 2:
        return Author(" ".join(words))
    suffix = words.pop() if _SUFFIX.fullmatch(words[-1]) and len(words) > 2 else ""
    start = len(words) - 1
    while start > 1 and (words[start - 1][0].islower() or words[start - 1] in _PARTICLES):
        start -= 1
    return Author(" ".join(words[start:]), " ".join(words[:start]), suffix)
