"""A question as a URL has it: every state of the page can be linked to, and differs from the next by one name."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import urlencode

from starlette.requests import Request

from lunacy.paper import canonical_id

_ORDER = ("id", "text", "not", "category", "author", "since", "until", "rank", "index", "top")  # others before top
_IDS = ("id", "not")
_SEPARATORS = {"author": ";", "category": ","}  # of several in one field of the form


@dataclass(frozen=True, slots=True)
class Address:
    """Names and values, in the order in which every URL of the page has them; `of` makes one."""

    items: tuple[tuple[str, str], ...] = ()

    @classmethod
    def of(cls, items: Iterable[tuple[str, str]]) -> Address:
        """`items` without what is empty or said twice; ids as arXiv writes them."""
        found: dict[tuple[str, str], None] = {}
        for name, value in items:
            for one in value.split(_SEPARATORS[name]) if name in _SEPARATORS else [value]:
                if stripped := one.strip():
                    found[name, (canonical_id(stripped) or stripped) if name in _IDS else stripped] = None
        return cls(tuple(sorted(found, key=lambda item: _place(item[0]))))

    def all(self, name: str) -> list[str]:
        """The values of `name`."""
        return [value for other, value in self.items if other == name]

    def first(self, name: str) -> str:
        """The first value of `name`; "" where there is none."""
        return next(iter(self.all(name)), "")

    def plus(self, name: str, value: str) -> Address:
        """With `value` too; a paper that is asked for is not one to keep away from, and the other way about."""
        other = {"id": "not", "not": "id"}.get(name)
        kept = [item for item in self.items if item != (other, value)]
        return Address.of([*kept, (name, value)])

    def minus(self, name: str, value: str | None = None) -> Address:
        """Without `value` of `name`; None: without any."""
        return Address(tuple(item for item in self.items if item[0] != name or value not in (None, item[1])))

    def set(self, name: str, value: object) -> Address:
        """With `value` in the place of those of `name`; "" takes them away."""
        return Address.of([*self.minus(name).items, (name, str(value))])

    def url(self, path: str) -> str:
        """`path` with this question behind it."""
        return f"{path}?{urlencode(self.items, safe='/:,*')}" if self.items else path


def root_of(request: Request) -> str:
    """What stands before every path, where a proxy serves this below another site."""
    return str(request.scope.get("root_path", ""))


def _place(name: str) -> float:
    return _ORDER.index(name) if name in _ORDER else len(_ORDER) - 1.5
