"""How many papers the filters admit, and why a list is empty."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain, combinations

from lunacy.filter import Condition, Filter
from lunacy.question import Options
from lunacy.search import Searcher


def count_qualified(view: Searcher, options: Options) -> int | None:
    """How many papers may be hits; None where there is no filter."""
    wanted = options.filter
    return None if wanted.admits_all else view.n_qualified(wanted, options.include_withdrawn)


def why_empty(view: Searcher, options: Options, *, has_papers: bool) -> str:
    """What to say of an empty list. `has_papers`: papers are asked for, which are no hits themselves."""
    wanted, conditions = options.filter, options.filter.conditions
    if conditions and not view.n_qualified(wanted, options.include_withdrawn):
        n_withdrawn = 0 if options.include_withdrawn else view.n_qualified(wanted, True)
        if n_withdrawn:
            return f"all {n_withdrawn:,} papers that pass {_words(conditions)} are withdrawn"
        return f"no paper passes {_words(_emptying(view, conditions, options.include_withdrawn), together=True)}"
    paper = "other paper" if has_papers and not options.include_self else "paper"
    passing = f" that passes {_words(conditions)}" if conditions else ""
    if options.min_score is not None:
        return f"no {paper}{passing} has a score of {options.min_score:g} or more"
    if options.rank == "lexical":
        return f"no {paper}{passing} shares a word with it"
    if conditions:
        return f"no {paper} passes {_words(conditions, together=True)}"
    if not options.include_withdrawn and view.summary().n_withdrawn:
        return f"there is no {paper} in the index that is not withdrawn"
    return f"there is no {paper} in the index"


def _emptying(view: Searcher, conditions: Sequence[Condition], include_withdrawn: bool) -> Sequence[Condition]:
    """The fewest conditions that no paper meets: one, two, or all of them."""
    for some in chain(combinations(conditions, 1), combinations(conditions, 2)):
        if not view.n_qualified(Filter.of(some), include_withdrawn):
            return some
    return conditions


def _words(conditions: Sequence[Condition], *, together: bool = False) -> str:
    *others, last = [one.words for one in conditions]
    return f"{', '.join(others)} and {last}{' together' if together else ''}" if others else last
