"""From query vectors to rows."""

from lunacy.search.exact import Found, search
from lunacy.search.ivf import PAPERS, TEXTS, open_ivf, search_ivf
from lunacy.search.pairs import percentiles
from lunacy.search.parts import parts_of
from lunacy.search.ranking import Question, Ranked, Steps, rank

__all__ = [
    "PAPERS",
    "TEXTS",
    "Found",
    "Question",
    "Ranked",
    "Steps",
    "open_ivf",
    "parts_of",
    "percentiles",
    "rank",
    "search",
    "search_ivf",
]
