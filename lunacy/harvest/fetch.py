"""The record of one paper, and a client for a block."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext

from lunacy.errors import UnknownPaper
from lunacy.harvest.client import Client
from lunacy.harvest.convert import Line, to_line
from lunacy.harvest.listing import get_record


def open_client(
    client: Client | None, endpoint: str, contact: str, note: Callable[[str], None]
) -> AbstractContextManager[Client]:
    """A client that is closed behind the block, or the one that is given, which is not."""
    return Client(endpoint, contact, note=note) if client is None else nullcontext(client)


def fetch_line(client: Client, identifier: str) -> Line:
    """The line of a snapshot for the paper with that arXiv id. Raises UnknownPaper when the server has none."""
    page = get_record(client, identifier)
    if page is None or page.records[0].is_deleted:
        raise UnknownPaper(f"arXiv has no paper {identifier}", where=client.endpoint)
    return to_line(page.records[0])
