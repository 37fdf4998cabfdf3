"""What a question admits, in the words of Milvus (https://milvus.io/docs/boolean.md)."""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import quote, unquote

import orjson

from lunacy.categories import matching_categories
from lunacy.dates import date_number
from lunacy.errors import UsageError
from lunacy.filter import Filter

_SAFE = "/.:+,;@-_~"


def key_of(identifier: str) -> str:
    """The primary key for an id: itself, but for what would have to be escaped in an expression (pymilvus does not)."""
    return quote(identifier, safe=_SAFE)


def id_of(key: str) -> str:
    """The id that `key_of` made it from."""
    return unquote(key)


def among(ids: Iterable[str]) -> str:
    """Papers with one of these ids."""
    return f"id in {orjson.dumps([key_of(one) for one in ids]).decode()}"


def expression(wanted: Filter, include_withdrawn: bool, categories: Iterable[str] = ()) -> str:
    """Papers that `wanted` admits; "" for all. Raises UsageError for what Milvus cannot tell.

    `categories`: those that the collection has.
    """
    if wanted.author or wanted.not_authors:
        raise UsageError(
            "a published index is not asked by author: Milvus finds no part of a name; take an index folder for that"
        )
    terms = [] if include_withdrawn else ["withdrawn == false"]
    matching = matching_categories(wanted.category, categories)
    if matching is not None:
        terms.append(f"array_contains_any(categories, {orjson.dumps(sorted(matching)).decode()})")
    if wanted.asks_when_posted:
        or_month = f" or posted == {wanted.first_month}" if wanted.first_month % 10000 else ""
        terms.append(f"(posted >= {max(wanted.first_date, 1)}{or_month}) and posted <= {wanted.last_date}")
    if wanted.updated_since:
        terms.append(f"updated >= {date_number(wanted.updated_since)}")
    if wanted.only_ids is not None:
        terms.append(among(sorted(wanted.only_ids)))
    if wanted.not_ids:
        terms.append(f"not ({among(sorted(wanted.not_ids))})")
    return " and ".join(terms)
