"""When papers were posted and changed: every filter against brute force, with stored columns and without."""

from __future__ import annotations

import datetime
import random
import re
from calendar import monthrange
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from lunacy import dates
from lunacy.dates import resolve_date
from lunacy.derived.columns import admitted, open_columns
from lunacy.entry import Entry
from lunacy.errors import UsageError
from lunacy.filter import Filter
from lunacy.fingerprint import Fingerprint
from lunacy.paper import Paper
from lunacy.pipeline import refresh_caches
from lunacy.question import Options
from lunacy.snapshot import Snapshot
from lunacy.snapshot.parse import parse
from lunacy.store import Store, View, Writer
from lunacy.store import caches as files


def made_up(n: int) -> list[Paper]:
    """Papers of all times, with and without their days, some of which lie outside of the month of the id."""
    rng = random.Random(0)
    papers = []
    for number in range(n):
        year, month = rng.randint(1992, 2026), rng.randint(1, 12)
        old = f"{rng.choice(['hep-th', 'math', 'cond-mat'])}/{year % 100:02}{month:02}{number:03}"
        new = f"{year % 100:02}{month:02}.{number:0{4 if year < 2015 else 5}}"
        day = datetime.date(year, month, 1) + datetime.timedelta(days=rng.randint(-40, 70))
        later = day + datetime.timedelta(days=rng.randint(0, 3000))
        identifier = old if (year, month) < (2007, 4) else new
        papers.append(
            Paper(
                identifier if rng.random() < 0.9 else f"local:{number}",
                "T",
                "A",
                rng.choice(["Wei Zhang, Ada Lovelace", "L. Zhangsun", "É. Galois and Alan Turing", ""]),
                tuple(rng.sample(["cs.CL", "cs.IR", "hep-th", "math.AG", "stat.ML", "cond-mat"], rng.randint(0, 2))),
                day.isoformat() if rng.random() < 0.5 else "",
                later.isoformat() if rng.random() < 0.7 else "",
            )
        )
    return papers


def all_papers() -> list[Paper]:
    with Snapshot(None) as opened:
        sample = [parse(line) for line in opened.lines()]
    assert len(sample) == 2000
    rng = random.Random(1)
    return [*(one if rng.random() < 0.5 else replace(one, submitted="") for one in sample), *made_up(400)]


PAPERS = all_papers()


@cache
def posted_between(paper: Paper) -> tuple[str, str] | None:
    """The first day and the last on which it may have been posted; None where nothing is known."""
    digits = paper.id.rpartition("/")[2]
    if not re.fullmatch(r"\d{7}|\d{4}\.\d{4,5}", digits):
        return (paper.submitted, paper.submitted) if paper.submitted else None
    year, month = int(digits[:2]), int(digits[2:4])
    year += 1900 if "/" in paper.id and year >= 91 else 2000
    first, last = f"{year}-{month:02}-01", f"{year}-{month:02}-{monthrange(year, month)[1]}"
    if not paper.submitted:
        return first, last
    day = sorted([first, paper.submitted, last])[1]
    return day, day


def is_in(paper: Paper, pattern: str) -> bool:
    """Whether any of its categories is that one, or is of that archive."""
    whole = pattern.removesuffix(".*")
    return any(one == whole or ("." not in whole and one.split(".")[0] == whole) for one in paper.categories)


def admits(paper: Paper, wanted: Filter) -> bool:
    """The filter again."""
    between = posted_between(paper)
    if (wanted.since or wanted.until) and between is None:
        return False
    if between is not None and (
        between[1] < wanted.since or between[0] > (wanted.until + "-99-99" if wanted.until else "9")
    ):
        return False
    if wanted.updated_since and not (paper.updated and paper.updated >= wanted.updated_since):
        return False
    if wanted.category and not any(is_in(paper, pattern) for pattern in wanted.category):
        return False
    words = re.findall(r"\w+", paper.authors.lower()) if wanted.author else []
    if not all(any(word.startswith(author.lower()) for word in words) for author in wanted.author):
        return False
    return (wanted.only_ids is None or paper.id in wanted.only_ids) and paper.id not in wanted.not_ids


@pytest.fixture(scope="module", params=["stored", "not stored"])
def view(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[View]:
    folder = Path(tmp_path_factory.mktemp("dates") / "index")
    rows = np.eye(8, dtype=np.float32)[np.arange(len(PAPERS)) % 8]
    with Writer(folder, Fingerprint("fake", "abstract", 8), "fake") as writer:
        half = len(PAPERS) // 2
        for part, some in ((PAPERS[:half], rows[:half]), (PAPERS[half:], rows[half:])):
            writer.append([Entry.of(one, "abstract") for one in part], some)
            writer.commit()
            refresh_caches(folder, writer.changes)  # the second time what is there is patched
    if request.param == "not stored":
        files.drop(folder)
    with Store(folder) as store, store.view() as opened:
        assert (open_columns(opened) is None) is (request.param == "not stored")
        yield opened


DAYS = st.dates(datetime.date(1991, 7, 1), datetime.date(2027, 1, 1)).map(str)
NEAR = st.sampled_from(
    [day for paper in PAPERS[::20] for day in (*(posted_between(paper) or ()), paper.updated) if day]
)
DATES = st.just("") | st.builds(lambda day, length: day[:length], DAYS | NEAR, st.sampled_from([4, 7, 10, 10]))
IDS = [paper.id for paper in PAPERS]


@given(
    since=DATES,
    until=DATES,
    updated_since=DATES,
    category=st.lists(
        st.sampled_from(["cs.CL", "cs.*", "cs", "hep-th", "math.AG", "stat.*", "cond-mat.*", "cond-mat"]), max_size=2
    ),
    author=st.lists(st.sampled_from(["zhang", "Li", "TURING", "galois", "smith"]), max_size=1),
    only_ids=st.none() | st.frozensets(st.sampled_from(IDS), min_size=200, max_size=400),
    not_ids=st.frozensets(st.sampled_from(IDS), max_size=50),
)
def test_every_filter_admits_what_brute_force_admits(view: View, **fields: Any) -> None:
    if fields["since"] and fields["until"] and fields["since"][:4] > fields["until"][:4]:
        fields["since"], fields["until"] = fields["until"], fields["since"]
    try:
        wanted = Filter(**{name: tuple(one) if isinstance(one, list) else one for name, one in fields.items()})
    except UsageError:  # since is after until
        assume(False)
    assert {IDS[row] for row in np.flatnonzero(admitted(view, wanted))} == {
        paper.id for paper in PAPERS if admits(paper, wanted)
    }


@pytest.fixture
def leap_day(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dates, "today", lambda: datetime.date(2024, 2, 29))


@pytest.mark.usefixtures("leap_day")
@pytest.mark.parametrize(
    ("text", "date"),
    [
        ("0d", "2024-02-29"),
        ("30d", "2024-01-30"),
        ("2w", "2024-02-15"),
        ("1m", "2024-01-29"),
        ("6m", "2023-08-29"),
        ("12m", "2023-02-28"),
        ("1y", "2023-02-28"),
        ("4y", "2020-02-29"),
        ("2024y", "0001-01-01"),
        ("99999d", "1750-05-17"),
        ("99999m", "0001-01-01"),
        ("2024-05", "2024-05"),
        ("yesterday", "yesterday"),
    ],
)
def test_a_date_may_be_so_long_ago(text: str, date: str) -> None:
    assert resolve_date(text) == date


@pytest.mark.usefixtures("leap_day")
def test_every_date_of_a_question_may_be_so_long_ago() -> None:
    options = Options(since="2y", until="3w", updated_since="5d")
    assert (options.filter.since, options.filter.until, options.filter.updated_since) == (
        "2022-02-28",
        "2024-02-08",
        "2024-02-24",
    )
    with pytest.raises(UsageError, match="since 2024-01-29 is after until 2022-02-28; swap them"):
        Options(since="1m", until="2y")


@pytest.mark.parametrize("name", ["since", "until", "updated_since"])
@pytest.mark.parametrize("date", ["2024-13", "2 years", "-2y", "2y ago", "1.5y", "２y", "123456d"])
def test_what_is_no_date_is_told_the_forms(name: str, date: str) -> None:
    with pytest.raises(UsageError) as told:
        Options(**{name: date})  # type: ignore[misc]
    forms = "write it like 2024-05-31, 2024-05 or 2024, or 2y, 6m, 4w or 30d for so long ago"
    assert str(told.value) == f"{name} {date!r} is not a date; {forms}"
