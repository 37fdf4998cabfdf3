"""arXiv's categories, and patterns over them (https://arxiv.org/category_taxonomy)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from difflib import get_close_matches
from fnmatch import fnmatchcase

from lunacy.errors import UnknownCategory

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


def category_filter(patterns: Iterable[str]) -> Callable[[tuple[str, ...]], bool]:
    """A function that says whether any of a paper's categories matches any pattern; no pattern matches all papers.

    Patterns are as in `matching_categories`.
    """
    matching = matching_categories(patterns)
    if matching is None:
        return lambda _categories: True
    return lambda categories: not matching.isdisjoint(categories)


def matching_categories(patterns: Iterable[str]) -> frozenset[str] | None:
    """The categories that match any pattern; None when there is no pattern.

    A pattern is a category (`cs.CL`) or has wildcards (`cs.*`); several may stand in one string, with commas or
    spaces between them. Raises UnknownCategory, with near names, for a pattern that no arXiv category matches.
    """
    texts = [patterns] if isinstance(patterns, str) else patterns
    wanted = [pattern for text in texts for pattern in re.split(r"[,\s]+", text) if pattern]
    if not wanted:
        return None
    return frozenset(category for pattern in wanted for category in _matches(pattern))


def _matches(pattern: str) -> list[str]:
    found = [category for category in CATEGORIES if fnmatchcase(category.lower(), pattern.lower())]
    if found:
        return found
    if pattern.lower() in _WITH_CLASSES:  # no plain `cs`, but a newcomer means all of it
        near = [f"{pattern.lower()}.*"]
    else:
        by_lower = {category.lower(): category for category in CATEGORIES}
        near = [by_lower[name] for name in get_close_matches(pattern.lower(), by_lower, n=4, cutoff=0.4)]
    hint = f"did you mean {' or '.join(near)}?" if near else "see https://arxiv.org/category_taxonomy"
    raise UnknownCategory(f"arXiv has no category {pattern!r}; {hint}")
