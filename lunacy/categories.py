"""arXiv's categories, and patterns over them (https://arxiv.org/category_taxonomy)."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable
from difflib import get_close_matches
from fnmatch import fnmatchcase
from functools import lru_cache
from sys import intern

from lunacy.errors import UnknownCategory, UsageError

_WITH_CLASSES = {
    "astro-ph": "CO EP GA HE IM SR",
    "cond-mat": "dis-nn mes-hall mtrl-sci other quant-gas soft stat-mech str-el supr-con",
    "cs": "AI AR CC CE CG CL CR CV CY DB DC DL DM DS ET FL GL GR GT HC IR IT LG LO MA MM MS NA NE NI OH OS PF PL "
    "RO SC SD SE SI SY",
    "econ": "EM GN TH",
    "eess": "AS IV SP SY",
    "math": "AC AG AP AT CA CO CT CV DG DS FA GM GN GR GT HO IT KT LO MG MP NA NT OA OC PR QA RA RT SG SP ST",
    "nlin": "AO CD CG PS SI",
    "physics": "acc-ph ao-ph app-ph atm-clus atom-ph bio-ph chem-ph class-ph comp-ph data-an ed-ph flu-dyn gen-ph "
    "geo-ph hist-ph ins-det med-ph optics plasm-ph pop-ph soc-ph space-ph",
    "q-bio": "BM CB GN MN NC OT PE QM SC TO",
    "q-fin": "CP EC GN MF PM PR RM ST TR",
    "stat": "AP CO ME ML OT TH",
}
_WITHOUT = "astro-ph cond-mat gr-qc hep-ex hep-lat hep-ph hep-th math-ph nucl-ex nucl-th q-bio quant-ph".split()
_RETIRED = (
    "acc-phys adap-org alg-geom ao-sci atom-ph bayes-an chao-dyn chem-ph cmp-lg comp-gas dg-ga funct-an mtrl-th "
    "patt-sol plasm-ph q-alg solv-int supr-con"
).split()

CATEGORIES: tuple[str, ...] = tuple(
    sorted(
        [f"{archive}.{name}" for archive, names in _WITH_CLASSES.items() for name in names.split()]
        + _WITHOUT
        + _RETIRED
    )
)


_BY_LOWER = {category.lower(): category for category in CATEGORIES}
# arXiv lists the papers of both names under either, but a paper's record may have one alone.
_PAIRS = "cs.it math.it, cs.na math.na, cs.sy eess.sy, econ.gn q-fin.ec, math-ph math.mp, math.st stat.th"
_ALIASES = {one: other for pair in _PAIRS.split(", ") for one, other in (pair.split(), pair.split()[::-1])}


@lru_cache(maxsize=2**14)
def split_categories(text: str) -> tuple[str, ...]:
    """The categories in `text`, each once: between white space, commas, semicolons, and quotes or brackets around them.

    One that arXiv lists is spelled as there; another stays as it is.
    """
    names = [name.strip("'\"[]") for name in re.split(r"[,;\s]+", text)]
    return tuple(dict.fromkeys(intern(_BY_LOWER.get(name.lower(), name)) for name in names if name))


def category_filter(patterns: Iterable[str]) -> Callable[[tuple[str, ...]], bool]:
    """A function that says whether any of a paper's categories matches any pattern; no pattern matches all papers.

    A pattern is a category (`cs.CL`, which stands for its alias too), an archive with all its classes (`cs` or `cs.*`),
    or has wildcards (`hep-*`), in any case; several may stand in one string, with commas, semicolons or spaces between
    them. Raises as `unlisted` does.
    """
    wanted = split_patterns(patterns)
    unlisted(wanted)
    if not wanted:
        return lambda _categories: True

    @lru_cache(maxsize=2**12)
    def is_wanted(category: str) -> bool:
        return any(_is_match(category, pattern) for pattern in wanted)

    return lambda categories: any(map(is_wanted, categories))


def matching_categories(patterns: Iterable[str], present: Iterable[str] = ()) -> frozenset[str] | None:
    """The categories of arXiv, and those `present` in an index, that match any pattern; None when there is no pattern.

    Patterns are as in `category_filter`. Raises UnknownCategory, with near names, for one that matches none of them.
    """
    wanted = split_patterns(patterns)
    if not wanted:
        return None
    known = frozenset(CATEGORIES).union(present)
    matching: set[str] = set()
    for pattern in wanted:
        found = [category for category in known if _is_match(category, pattern)]
        if not found:
            raise _unknown(pattern, known)
        matching.update(found)
    return frozenset(matching)


def unlisted(patterns: Iterable[str]) -> list[str]:
    """The patterns that match no category of arXiv's list, but may match one that is new: cs.QC, cs.Q*.

    Raises UnknownCategory, with near names, for one that cannot be a category.
    """
    new = [one for one in split_patterns(patterns) if not any(_is_match(category, one) for category in CATEGORIES)]
    for pattern in new:
        archive, _dot, name = pattern.lower().partition(".")
        if archive not in _WITH_CLASSES or not re.fullmatch(r"[a-z]{2}|.*[*?\[].*", name):
            raise _unknown(pattern, CATEGORIES)
    return new


def near(pattern: str, known: Iterable[str] = CATEGORIES) -> list[str]:
    """Up to four categories that may be meant by `pattern`."""
    by_lower = {category.lower(): category for category in sorted({*known, *_WITH_CLASSES})}
    return [by_lower[name] for name in get_close_matches(pattern.lower(), by_lower, n=4, cutoff=0.4)]


def split_patterns(patterns: Iterable[str]) -> list[str]:
    """The patterns, each on its own, once, and in one spelling: `CS, cs.cl` is `cs.*` and `cs.CL`.

    Raises UsageError for a text without any: an unset variable in a script must not mean all papers.
    """
    found = []
    for text in [patterns] if isinstance(patterns, str) else patterns:
        some = [pattern for pattern in re.split(r"[,;\s]+", text) if pattern]
        if not some:
            raise UsageError(f"category {text!r} is empty; name one, such as cs.CL, or an archive, such as astro-ph")
        found += [
            f"{one.lower()}.*" if one.lower() in _WITH_CLASSES else _BY_LOWER.get(one.lower(), one) for one in some
        ]
    return list(dict.fromkeys(found))


def _is_match(category: str, pattern: str) -> bool:
    category, pattern = category.lower(), pattern.lower()
    archive = pattern.removesuffix(".*")
    return archive == category or fnmatchcase(category, pattern) or _ALIASES.get(pattern) == category


def _unknown(pattern: str, known: Collection[str]) -> UnknownCategory:
    names = near(pattern, known)
    hint = f"did you mean {' or '.join(names)}?" if names else "see https://arxiv.org/category_taxonomy"
    also = "" if known is CATEGORIES else ", nor has the index"
    return UnknownCategory(f"arXiv has no category {pattern!r}{also}; {hint}")
