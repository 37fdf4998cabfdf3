"""Which papers a question is about: by category, date, author and id."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from lunacy.errors import UsageError
from lunacy.letters import plain

_LONGEST_NAME = 200  # characters
_SEVERAL = re.compile(r";|&|\band\b")
_DATE = re.compile(r"(\d{4})(?:-(0[1-9]|1[0-2])(?:-(0[1-9]|[12]\d|3[01]))?)?")


@dataclass(frozen=True, slots=True)
class Filter:
    """A paper qualifies when every field that is given admits it. Fields are checked when it is made.

    Raises UsageError for what cannot be meant; which categories can be depends on the index.
    """

    category: tuple[str, ...] = ()  # patterns; any of a paper's categories matches any of them
    since: str = ""  # the date of the last change, as hits show it: 2024, 2024-05 or 2024-05-31
    until: str = ""  # inclusive: until 2024 is until its last day
    author: tuple[
        str, ...
    ] = ()  # names, or what they begin with: "First Last" or "Last, First"; all are among the authors
    only_ids: frozenset[str] | None = None
    not_ids: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        for name in ("since", "until"):
            if getattr(self, name):
                date_number(getattr(self, name), name)
        for name in self.author:
            if not any(map(str.isalnum, plain(name))):
                raise UsageError(f"author {name!r} has no letters; give part of a name, such as Hinton")
            if len(name) > _LONGEST_NAME:
                raise UsageError(f"author {name[:40]!r}... has {len(name):,} characters; give one name, or part of it")
            if _SEVERAL.search(name):
                raise UsageError(f"author {name!r} is more than one name; give each on its own")
        if self.since and self.until and self.first_date > self.last_date:
            raise UsageError(f"since {self.since} is after until {self.until}; swap them")

    @property
    def admits_all(self) -> bool:
        """Whether nothing is asked of a paper."""
        return self == Filter()

    @property
    def first_date(self) -> int:
        """As `date_number`; 0 when it does not matter."""
        return date_number(self.since, "since") if self.since else 0

    @property
    def last_date(self) -> int:
        """The last that qualifies; a very late one when it does not matter."""
        if not self.until:
            return 99999999
        return date_number(self.until, "until") + {4: 9999, 7: 99, 10: 0}[len(self.until)]


@lru_cache(maxsize=2**14)
def date_number(date: str, name: str = "date") -> int:
    """2024-05-31 -> 20240531, 2024-05 -> 20240500. Raises UsageError, naming the option `name`, for what is no date."""
    match = _DATE.fullmatch(date)
    if match is None:
        raise UsageError(f"{name} {date!r} is not a date; write it like 2024-05-31, 2024-05 or 2024")
    year, month, day = match.groups("0")
    return int(year) * 10000 + int(month) * 100 + int(day)
