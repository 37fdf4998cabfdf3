"""From query vectors to rows."""

from lunacy.search.exact import Found, search

__all__ = ["Found", "search"]
