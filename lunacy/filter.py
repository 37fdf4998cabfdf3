"""Which papers a question is about: by category, date, author and id."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, fields
from typing import Any, NamedTuple

from lunacy.categories import split_patterns
from lunacy.dates import date_number
from lunacy.errors import UsageError
from lunacy.letters import plain

_LONGEST_NAME = 200  # characters
_LISTS = {"only_ids": "the list of ids to choose from", "not_ids": "the list of ids to leave out"}
_WORDS = {"not_before": "newer (since {})", "not_after": "older (until {})"}  # as one asks for them
_SEVERAL = re.compile(r";|&|\band\b")


class Condition(NamedTuple):
    """One thing that a filter asks of a paper."""

    words: str  # as one says it: "until 1999"
    name: str  # of the field
    value: Any  # of the field


@dataclass(frozen=True, slots=True)
class Filter:
    """A paper qualifies when every field that is given admits it. Fields are checked when it is made.

    Raises UsageError for what cannot be meant; which categories can be depends on the index.
    """

    category: tuple[str, ...] = ()  # patterns; any of a paper's categories matches any of them
    since: str = ""  # when it was posted: 2024, 2024-05 or 2024-05-31; a month overlaps what is asked for, or does not
    until: str = ""  # inclusive: until 2024 is until its last day
    updated_since: str = ""  # when it was last changed; who has no such date does not qualify
    author: tuple[
        str, ...
    ] = ()  # names, or what they begin with: "First Last" or "Last, First"; all are among the authors
    only_ids: frozenset[str] | None = None
    not_ids: frozenset[str] = frozenset()
    not_before: str = ""  # as `since` and `until`, of what the papers that are asked for say of it
    not_after: str = ""
    not_authors: tuple[str, ...] = ()  # names; none of these whole names is among the authors

    def __post_init__(self) -> None:
        split_patterns(self.category)
        for name in ("since", "until", "updated_since", "not_before", "not_after"):
            if getattr(self, name):
                date_number(getattr(self, name), name)
        for name in self.author:
            if not any(map(str.isalnum, plain(name))):
                raise UsageError(f"author {name!r} has no letters; give part of a name, such as Hinton")
            if len(name) > _LONGEST_NAME:
                raise UsageError(f"author {name[:40]!r}... has {len(name):,} characters; give one name, or part of it")
            if _SEVERAL.search(name):
                raise UsageError(f"author {name!r} is more than one name; give each on its own")
        if self.since and self.until and _first(self.since) > _last(self.until):
            raise UsageError(f"since {self.since} is after until {self.until}; swap them")

    @property
    def admits_all(self) -> bool:
        """Whether nothing is asked of a paper."""
        return self == Filter()

    @property
    def conditions(self) -> list[Condition]:
        """What is asked, one by one: each author on its own, of all else a field at once."""
        found = []
        for one in fields(self):
            name, value = one.name, getattr(self, one.name)
            if name == "author":
                found += [Condition(f"author {author}", name, (author,)) for author in value]
            elif name == "not_authors":
                found += [Condition(f"other authors (than {len(value):,})", name, value)] if value else []
            elif name in _LISTS:
                if value != one.default:
                    found.append(Condition(f"{_LISTS[name]} ({len(value):,})", name, value))
            elif value:
                words = " or ".join(value) if name == "category" else value
                found.append(Condition(_WORDS.get(name, f"{name.replace('_', ' ')} {{}}").format(words), name, value))
        return found

    @classmethod
    def of(cls, conditions: Iterable[Condition]) -> Filter:
        """The filter with these conditions."""
        given: dict[str, Any] = {}
        for one in conditions:
            given[one.name] = given.get(one.name, ()) + one.value if one.name == "author" else one.value
        return cls(**given)

    @property
    def asks_when_posted(self) -> bool:
        """Whether it matters when a paper was posted."""
        return bool(self.since or self.until or self.not_before or self.not_after)

    @property
    def first_date(self) -> int:
        """As `date_number`; 0 when it does not matter."""
        return max(_first(self.since), _first(self.not_before))

    @property
    def first_month(self) -> int:
        """The month in which it begins, which qualifies where no day is known; 0 when it does not matter."""
        return self.first_date // 100 * 100

    @property
    def last_date(self) -> int:
        """The last that qualifies; a very late one when it does not matter."""
        return min(_last(self.until), _last(self.not_after))


def _first(date: str) -> int:
    return date_number(date) if date else 0


def _last(date: str) -> int:
    return date_number(date) + {4: 9999, 7: 99, 10: 0}[len(date)] if date else 99999999
