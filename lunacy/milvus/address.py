"""Where a published index is: {http,https,milvus}://HOST:19530/NAME, or milvus:FILE.db/NAME of milvus-lite."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit

from lunacy.errors import UsageError

_SCHEMES = ("milvus", "http", "https")
_COLLECTION = re.compile(r"[A-Za-z_]\w{0,200}", re.ASCII)  # what Milvus takes
_PORT = 19530
_EXAMPLE = "write it like http://localhost:19530/arxiv"


@dataclass(frozen=True, slots=True)
class Address:
    """A collection of a server, or of a file of milvus-lite."""

    name: str  # as it was given
    uri: str  # as pymilvus takes it
    collection: str

    @property
    def lists(self) -> Address:
        """The collection beside it that is quick, and not exact."""
        return replace(self, collection=f"{self.collection}_ivf")

    @property
    def facts(self) -> str:
        """The name of the collection beside it that tells what it holds."""
        return f"{self.collection}_facts"


def is_address(where: str | Path) -> bool:
    """Whether this is no folder but an address."""
    scheme, colon, _rest = str(where).partition(":")
    return bool(colon) and scheme.lower() in _SCHEMES


def parse_address(text: str) -> Address:
    """The address in `text`. Raises UsageError, with an example, for what is none."""
    try:
        parts = urlsplit(text)
        port = parts.port or _PORT
    except ValueError as error:
        raise UsageError(f"{text!r} is no address: {error}; {_EXAMPLE}") from None
    before, _slash, collection = parts.path.rpartition("/")
    if parts.scheme not in _SCHEMES or not (parts.hostname or before) or (parts.hostname and before.strip("/")):
        raise UsageError(f"{text!r} is no address of a Milvus collection; {_EXAMPLE}")
    if not _COLLECTION.fullmatch(collection):
        raise UsageError(
            f"{text!r}: {collection!r} cannot be a collection's name, which has letters, digits and _; {_EXAMPLE}"
        )
    if not parts.hostname:
        return Address(text, os.path.expanduser(before), collection)
    scheme = "https" if parts.scheme == "https" else "http"
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return Address(text, f"{scheme}://{host}:{port}", collection)
