"""Whether papers have an author in common, as far as names tell."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace

from lunacy.names import Reading, authors_of, folded, readings
from lunacy.paper import Paper

_MOST = 100  # authors of a paper: the first of a collaboration of thousands sign all of its papers


def author_names(papers: Iterable[Paper]) -> tuple[str, ...]:
    """The authors of `papers`, of each the first hundred at most."""
    return tuple(dict.fromkeys(name for one in papers for name in authors_of(one.authors, one.names)[:_MOST]))


def whole_readings(name: str) -> list[Reading]:
    """The ways to understand an author's name, whose family name is meant as a whole: Li is not Lindberg."""
    return [replace(one, is_whole=True) for one in readings(name)]


class SameAuthors:
    """Those who wrote some papers."""

    def __init__(self, papers: Iterable[Paper]) -> None:
        self._readings: defaultdict[str, list[Reading]] = defaultdict(list)
        for name in author_names(papers):
            for reading in whole_readings(name):
                for key in reading.key:
                    self._readings[key].append(reading)

    def wrote(self, paper: Paper) -> bool:
        """Whether one of them is an author of `paper`."""
        for name in author_names([paper]):
            text = folded(name)
            words = {spelling.rstrip(".") for word in text.split(",") for spelling in word.split()}
            for key in words & self._readings.keys():
                if any(one.finds(text) for one in self._readings[key]):
                    return True
        return False
