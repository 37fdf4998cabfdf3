"""The person's own lists beside the papers of a page: which there are, and which of them a paper is on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from lunacy.library import ReadingList
from lunacy.query.lists import PREFIX
from lunacy.serve.page.address import Address

_FIRST = "to read"  # the list that the first paper makes


@dataclass(frozen=True, slots=True)
class Named:
    """A list, and where its page is."""

    name: str
    n_papers: int
    url: str


@dataclass(frozen=True, slots=True)
class Shelf:
    """The lists, as a page shows them."""

    lists: tuple[Named, ...] = ()
    of: Mapping[str, list[Named]] = field(default_factory=dict)  # by the id of a paper, the lists that it is on
    chosen: str = _FIRST  # the list to which the next paper goes
    problem: str = ""  # why there are none to be seen


def shelf_of(
    lists: Mapping[str, ReadingList], shown: Iterable[str], root: str, index: str = "", chosen: str = ""
) -> Shelf:
    """The shelf for a page that shows the papers with the ids `shown`. `chosen`: the list that was chosen last."""
    named = {one.name: Named(one.name, len(one.ids), list_url(one.name, root, index)) for one in lists.values()}
    ids = set(shown)
    of: dict[str, list[Named]] = {}
    for one in lists.values():
        for paper in ids.intersection(one.ids):
            of.setdefault(paper, []).append(named[one.name])
    return Shelf(tuple(named.values()), of, chosen if chosen in named else next(iter(named), _FIRST))


def list_url(name: str, root: str, index: str = "") -> str:
    """The address of the page of a list."""
    return Address.of([("name", name), ("index", index)]).url(f"{root}/list")


def lists_in(address: Address) -> list[str]:
    """The names of the lists that `address` asks for, as `list:NAME` in the place of an id."""
    return [one.removeprefix(PREFIX) for one in address.all("id") if one.startswith(PREFIX)]
