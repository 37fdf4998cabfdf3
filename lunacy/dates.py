"""Dates as people give them: a day, a month, a year, or how long ago; as numbers, which can be compared."""

from __future__ import annotations

import datetime
import re
from calendar import monthrange
from functools import lru_cache

from lunacy.errors import UsageError

FORMS = "2024-05-31, 2024-05 or 2024, or 2y, 6m, 4w or 30d for so long ago"
_DATE = re.compile(r"(\d{4})(?:-(0[1-9]|1[0-2])(?:-(0[1-9]|[12]\d|3[01]))?)?", re.ASCII)
_AGO = re.compile(r"(\d{1,5})([ymwd])", re.ASCII)


def today() -> datetime.date:
    """The date of this machine: the only place where it is read."""
    return datetime.date.today()


def resolve_date(text: str) -> str:
    """The day that was so long ago: "2y" is "2024-05-31" on 2026-05-31. Another text stays as it is."""
    match = _AGO.fullmatch(text)
    if match is None:
        return text
    n, now = int(match[1]), today()
    try:
        if match[2] in "wd":
            return (now - datetime.timedelta(days=n * (7 if match[2] == "w" else 1))).isoformat()
        year, month = divmod(now.year * 12 + now.month - 1 - n * (12 if match[2] == "y" else 1), 12)
        return now.replace(year=year, month=month + 1, day=min(now.day, monthrange(year, month + 1)[1])).isoformat()
    except (ValueError, OverflowError):  # before the year 1
        return datetime.date.min.isoformat()


@lru_cache(maxsize=2**14)
def date_number(date: str, name: str = "date") -> int:
    """2024-05-31 -> 20240531, 2024-05 -> 20240500. Raises UsageError, naming the option `name`, for what is no date."""
    match = _DATE.fullmatch(date)
    if match is None:
        raise UsageError(f"{name} {date!r} is not a date; write it like {FORMS}")
    year, month, day = match.groups("0")
    return int(year) * 10000 + int(month) * 100 + int(day)
