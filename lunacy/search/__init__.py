"""From query vectors to rows."""

from lunacy.search.exact import Found, search
from lunacy.search.ivf import PAPERS, TEXTS, open_ivf, search_ivf

__all__ = ["PAPERS", "TEXTS", "Found", "open_ivf", "search", "search_ivf"]
