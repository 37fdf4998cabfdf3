"""All pages of a list of records, in order."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from lunacy.errors import HarvestError
from lunacy.harvest.client import Client
from lunacy.harvest.convert import FORMATS
from lunacy.harvest.protocol import Page, ProtocolError


class TokenExpired(Exception):
    """The server does not know the token of the next page any more: the list must be asked for from its beginning."""


def list_records(client: Client, asked: Mapping[str, str], token: str = "") -> Iterator[Page]:
    """The pages of the list that was `asked` for (from, set), or those that come with `token`; none for an empty list.

    In the best format that the server has; without the set where it has no sets. Raises TokenExpired, and HarvestError
    for a list that does not end.
    """
    page = _next(client, token) if token else _first(client, asked)
    seen = {token}
    while page is not None:
        if page.token and page.token in seen:
            raise HarvestError(
                f"gives the same page for ever (token {page.token[:60]!r})",
                where=client.endpoint,
                hint="nothing was changed; run the same command again later",
            )
        yield page
        if not page.token:
            return
        seen.add(page.token)
        page = _next(client, page.token)


def _first(client: Client, asked: Mapping[str, str]) -> Page | None:
    formats, named = list(FORMATS), asked.get("set", "")
    while True:
        try:
            return client.page("ListRecords", metadataPrefix=formats[0], from_=asked.get("from", ""), set=named)
        except ProtocolError as error:
            if error.code == "noRecordsMatch":
                return None
            if error.code == "cannotDisseminateFormat" and len(formats) > 1:
                del formats[0]
            elif error.code in ("noSetHierarchy", "badArgument") and named:
                named = ""
            else:
                raise _refused(client, error) from None


def _next(client: Client, token: str) -> Page | None:
    try:
        return client.page("ListRecords", resumptionToken=token)
    except ProtocolError as error:
        if error.code == "noRecordsMatch":
            return None
        if error.code == "badResumptionToken":
            raise TokenExpired(str(error)) from None
        raise _refused(client, error) from None


def get_record(client: Client, identifier: str) -> Page | None:
    """The record of one paper, by its arXiv id; None when the server has none."""
    formats = list(FORMATS)
    while True:
        try:
            return client.page("GetRecord", identifier=f"oai:arXiv.org:{identifier}", metadataPrefix=formats[0])
        except ProtocolError as error:
            if error.code == "idDoesNotExist":
                return None
            if error.code != "cannotDisseminateFormat" or len(formats) == 1:
                raise _refused(client, error) from None
            del formats[0]


def _refused(client: Client, error: ProtocolError) -> HarvestError:
    return HarvestError(f"refuses: {error}", where=client.endpoint, hint="see whether --since and --endpoint are right")
