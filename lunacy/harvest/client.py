"""Asking a server for pages: one request at a time, at a polite pace, and again when it fails for the moment."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from importlib.metadata import version
from types import TracebackType
from urllib.parse import urljoin

import httpx2

from lunacy.errors import HarvestError, UsageError
from lunacy.harvest.protocol import NotAReply, Page, read_page

ENDPOINT = "https://oaipmh.arxiv.org/oai"  # https://info.arxiv.org/help/oa/index.html
PACE_S = 3.0  # between the end of a request and the next: https://info.arxiv.org/help/api/tou.html
_SILENCE_S = 60.0  # that a server may keep before and within a reply
_REPLY_S = 600.0  # that a whole reply may take
_MOST_BYTES = 2**27  # of a reply; arXiv's have some 5 MB
_MOST_TRIES = 8  # of a request
_FIRST_WAIT_S = 5.0  # after a failure; doubled each time: 10 minutes in all
_LONGEST_WAIT_S = 900.0  # that a server may ask for
_MOST_REDIRECTS = 5
_REDIRECTS = {301, 302, 303, 307, 308}
_PASSING = {406, 408, 425, 429}  # and 5xx: how arXiv says that it is busy


class _Passing(Exception):
    """A failure that may pass; the message says which. `wait_s`: how long the server asks to wait, if it does."""

    def __init__(self, what: str, wait_s: float = 0.0) -> None:
        super().__init__(what)
        self.wait_s = wait_s


class Client:
    """Asks one server of the Open Archives protocol for pages."""

    def __init__(
        self,
        endpoint: str = ENDPOINT,
        contact: str = "",
        *,
        note: Callable[[str], None] = lambda _text: None,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """`contact`: an address that the server learns; `note`: told of each wait for a failure to pass.

        Raises UsageError for an endpoint that is no address of the web.
        """
        url = _parsed(endpoint)
        if url is None or not url.host:
            raise UsageError(f"{endpoint!r} is no endpoint", hint=f"give an address like {ENDPOINT}")
        if not contact.isprintable() or not contact.isascii():
            raise UsageError(f"{contact!r} is no contact", hint="give an address, such as you@example.org")
        self.endpoint = endpoint
        self.now = now
        self._url = url  # where it has moved to
        self._note, self._sleep, self._clock = note, sleep, clock
        self._ready_s: float | None = None  # when the next request may go out
        self._http = httpx2.Client(headers={"User-Agent": user_agent(contact)}, timeout=_SILENCE_S)

    def page(self, verb: str, **arguments: str) -> Page:
        """The reply to a request; `arguments` are the protocol's (`from_` is from).

        Raises ProtocolError for an error that the server tells, HarvestError when it cannot be had.
        """
        query = {"verb": verb, **{name.rstrip("_"): value for name, value in arguments.items() if value}}
        wait_s = _FIRST_WAIT_S
        for n_left in reversed(range(_MOST_TRIES)):
            try:
                return read_page(self._body(query), verb)
            except (_Passing, NotAReply) as failure:
                asked_s = failure.wait_s if isinstance(failure, _Passing) else 0.0
                what = str(failure) if isinstance(failure, _Passing) else f"its reply is none: {failure}"
                if not n_left or asked_s > _LONGEST_WAIT_S:
                    when = f", in {asked_s / 60:.0f} minutes" if asked_s > _LONGEST_WAIT_S else " later"
                    raise self._failure(what, f"what has come is kept: run the same command again{when}") from None
            pause_s = max(asked_s, wait_s, PACE_S)
            self._note(f"{self._url}: {what}; asking again in {pause_s:.0f} s")
            self._ready_s = self._clock() + pause_s
            wait_s *= 2
        raise AssertionError("the last try returns or raises")

    def _body(self, query: Mapping[str, str]) -> bytes:
        for _ in range(_MOST_REDIRECTS):
            target = self._request(query)
            if isinstance(target, bytes):
                return target
            self._url = target
        raise self._failure("it redirects for ever", "give another --endpoint")

    def _request(self, query: Mapping[str, str]) -> bytes | httpx2.URL:
        """The body of a reply, or the address to which the server redirects."""
        if self._ready_s is not None and (early_s := self._ready_s - self._clock()) > 0:
            self._sleep(early_s)
        begun_s = self._clock()
        try:
            with self._http.stream("GET", self._url, params=dict(query)) as reply:
                if reply.status_code in _REDIRECTS:
                    return self._redirected(reply.headers.get("Location", ""))
                self._require_ok(reply)
                body = bytearray()
                for piece in reply.iter_bytes():
                    body += piece
                    if len(body) > _MOST_BYTES:
                        raise NotAReply(f"it has more than {_MOST_BYTES:,} bytes")
                    if self._clock() - begun_s > _REPLY_S:
                        raise _Passing(f"no whole reply within {_REPLY_S:.0f} s")
                return bytes(body)
        except httpx2.TimeoutException:
            raise _Passing(f"no answer within {_SILENCE_S:.0f} s") from None
        except httpx2.RequestError as error:
            raise _Passing(" ".join(str(error).split()) or type(error).__name__) from None
        finally:
            self._ready_s = self._clock() + PACE_S

    def _require_ok(self, reply: httpx2.Response) -> None:
        status = reply.status_code
        if status == 200:
            return
        what = f"HTTP {status} {reply.reason_phrase}".rstrip()
        if status in _PASSING or status >= 500:
            raise _Passing(what, _retry_after_s(reply.headers, self.now()))
        raise self._failure(what, "see whether the address is right, or give another --endpoint")

    def _redirected(self, location: str) -> httpx2.URL:
        target = _parsed(urljoin(str(self._url), location)) if location else None
        if target is None or (self._url.scheme == "https" and target.scheme == "http"):
            raise self._failure(f"it redirects to {location!r}", "give another --endpoint")
        return target.copy_with(query=None, fragment=None)

    def _failure(self, what: str, hint: str) -> HarvestError:
        return HarvestError(what, where=self._url, hint=hint)

    def close(self) -> None:
        """Close the connection."""
        self._http.close()

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self.close()


def _parsed(address: str) -> httpx2.URL | None:
    """An address of the web; None for what is none."""
    try:
        url = httpx2.URL(address)
    except httpx2.InvalidURL:
        return None
    return url if url.scheme in ("http", "https") else None


def user_agent(contact: str = "") -> str:
    """Who asks."""
    return f"lunacy/{version('lunacy')}" + (f" ({contact})" if contact else "")


def _retry_after_s(headers: Mapping[str, str], now: datetime) -> float:
    """The wait that a server asks for, in seconds or as a date by its own clock; 0.0 for none."""
    asked = headers.get("Retry-After", "").strip()
    if asked.isascii() and asked.isdigit():
        return float(asked[:9])
    try:
        when = parsedate_to_datetime(asked)
    except ValueError:
        return 0.0
    with suppress(ValueError):
        now = parsedate_to_datetime(headers.get("Date", ""))
    return max(0.0, (_aware(when) - _aware(now)).total_seconds())


def _aware(moment: datetime) -> datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
