"""The one field and the filters beside it, filled in with what is asked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from markupsafe import Markup

from lunacy.answer import Info
from lunacy.serve import bounds
from lunacy.serve.page.address import Address
from lunacy.serve.page.html import count

FILTERS = ("category", "author", "since", "until")
_SEPARATORS = {"category": ", ", "author": "; "}


@dataclass(frozen=True, slots=True)
class Form:
    """What the form of a page shows."""

    typed: str = ""
    filters: dict[str, str] = field(default_factory=dict)  # the value of each of FILTERS
    kept: tuple[tuple[str, str], ...] = ()  # what is asked beside, and goes along
    index: str = ""
    kept_index: str = ""  # that links name; "" where it is the first
    indexes: tuple[str, ...] = ()
    categories: str = ""  # of the index, as options in HTML, the most frequent first
    wrong: str = ""  # the filter that cannot be what it is
    longest: int = bounds.TEXT

    @property
    def is_filtered(self) -> bool:
        """Whether the filters are to be seen at once."""
        return any(self.filters.values()) or bool(self.wrong)


def form_of(address: Address, indexes: Sequence[str] = (), info: Info | None = None, *, wrong: str = "") -> Form:
    """The form for what `address` asks; without a choice of `indexes` it keeps to the one that is asked.

    `wrong`: the name of a filter.
    """
    own = {*FILTERS, "id", "text", "q", "top", *(["index"] if indexes else [])}
    return Form(
        typed=address.first("q") or "\n".join([*address.all("id"), *address.all("text")]),
        filters={name: _SEPARATORS.get(name, " ").join(address.all(name)) for name in FILTERS},
        kept=tuple(item for item in address.items if item[0] not in own),
        index=address.first("index"),
        kept_index=address.first("index"),
        indexes=tuple(indexes),
        categories=_options(tuple(info.summary.largest) if info else ()),
        wrong=wrong,
    )


@lru_cache(maxsize=16)
def _options(counts: tuple[tuple[str, int], ...]) -> Markup:
    """Made once for each commit of an index: it is a third of what a page costs."""
    option = Markup('<option value="{}">{}</option>')
    return Markup("\n").join(option.format(name, count(n, "paper")) for name, n in counts)
