"""The parameters of the web in one table, for query strings, JSON, the page and the description of the API."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from lunacy.question import RANKS, RECOMMENDED_DIVERSITY, SAME_AUTHORS
from lunacy.serve import bounds

Kind = Literal["ids", "texts", "text", "whole", "number", "flag"]


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter: its name on the web, its keyword of `Question`, its type, and its bounds."""

    name: str
    keyword: str  # "": not of the question
    kind: Kind
    about: str
    example: Any
    most: int = 1  # values, of those that may be repeated
    length: int = bounds.WORD  # characters of a value
    least: float | None = None
    greatest: float | None = None
    choices: tuple[str, ...] = ()
    default: Any = None

    @property
    def repeats(self) -> bool:
        """Whether it may be given several times; in JSON as a list."""
        return self.kind in ("ids", "texts")


PARAMETERS: tuple[Parameter, ...] = (
    Parameter(
        "id",
        "papers",
        "ids",
        "An arXiv id in any form, a link, a DOI of arXiv, or the title of a paper in the index; several, and a text "
        "beside them, give one list for all of them.",
        "1802.05130",
        most=bounds.IDS,
        length=bounds.NAME,
    ),
    Parameter("text", "text", "text", "A text, such as an abstract.", "graph neural networks", length=bounds.TEXT),
    Parameter(
        "not",
        "unlike",
        "ids",
        "An id in any form: push down papers similar to it.",
        "1709.01687",
        most=bounds.UNLIKE,
        length=bounds.NAME,
    ),
    Parameter("top", "top", "whole", "How many hits.", 5, least=1, greatest=bounds.TOP, default=10),
    Parameter(
        "category",
        "category",
        "texts",
        "Only hits of this category (cs.CL), archive (cs) or pattern (hep-*); commas separate several.",
        "cs.*",
        most=bounds.CATEGORIES,
    ),
    Parameter(
        "since",
        "since",
        "text",
        "Only hits posted then or later: 2024-05-31, 2024-05, 2024, or 2y, 6m, 4w, 30d ago.",
        "2017",
    ),
    Parameter("until", "until", "text", "Only hits posted then or before, inclusive.", "2018-02"),
    Parameter(
        "older",
        "older",
        "flag",
        "Only hits posted no later than what is asked for by id: what it could have cited.",
        False,
        default=False,
    ),
    Parameter(
        "newer",
        "newer",
        "flag",
        "Only hits posted no earlier than what is asked for by id: what came of it.",
        False,
        default=False,
    ),
    Parameter("updated_since", "updated_since", "text", "Only hits changed then or later.", "2018-01-01"),
    Parameter(
        "author", "author", "texts", "Only hits by this author; several: by all of them.", "Klein", most=bounds.AUTHORS
    ),
    Parameter(
        "same_authors",
        "same_authors",
        "text",
        "Rank hits higher that share an author with what is asked for by id (raise), or leave them out (drop).",
        "drop",
        choices=SAME_AUTHORS,
    ),
    Parameter(
        "rank",
        "rank",
        "text",
        "By vectors (dense), by vectors and words (hybrid) or by words (lexical); the last two need a lexical index.",
        "dense",
        choices=RANKS,
        default="dense",
    ),
    Parameter(
        "ivf",
        "ivf",
        "flag",
        "Search the approximate index, for one id or text: faster, not always exact.",
        False,
        default=False,
    ),
    Parameter(
        "nprobe", "nprobe", "whole", "With ivf: how many lists to search.", None, least=1, greatest=bounds.NPROBE
    ),
    Parameter("fold", "fold", "flag", "Merge near-duplicates into one hit.", True, default=False),
    Parameter(
        "diverse",
        "diverse",
        "number",
        f"Prefer hits that differ from one another; {RECOMMENDED_DIVERSITY} is recommended.",
        RECOMMENDED_DIVERSITY,
        least=0,
        greatest=1,
        default=0,
    ),
    Parameter(
        "min_score",
        "min_score",
        "number",
        "Only hits with at least this score: a cosine, unless rank or not say otherwise.",
        0.5,
        least=-1_000,
        greatest=1_000,
    ),
    Parameter(
        "explain",
        "explain",
        "flag",
        f"Tell why each hit is one; top is then at most {bounds.EXPLAINED}.",
        True,
        default=False,
    ),
    Parameter("include_self", "include_self", "flag", "List the paper itself too, first.", False, default=False),
    Parameter("include_withdrawn", "include_withdrawn", "flag", "List withdrawn papers too.", False, default=False),
    Parameter("index", "", "text", "Which index to ask, as /api/info names it; the first by default.", None),
)
BY_NAME = {one.name: one for one in PARAMETERS}
