"""What stands before every route: who may ask, from where, how many at once, and what browsers are told."""

from __future__ import annotations

import asyncio
import hmac
import logging
import re
from collections.abc import Iterable
from hashlib import sha256
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qsl, urlsplit

from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect, Request
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from lunacy.serve import bounds
from lunacy.serve.errors import Refused, told

COOKIE = "lunacy"
_LOOPBACK = ("localhost", "127.0.0.1", "[::1]")
_SAFE = ("GET", "HEAD")
_HOST = re.compile(r"(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::\d{1,5})?", re.ASCII | re.IGNORECASE)
_OF_PROXIES = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "via")
_COOKIE_S = 30 * 86_400
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'; connect-src 'self'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Referrer-Policy": "same-origin",  # with no-referrer a browser sends forms with the origin "null"
    "X-Content-Type-Options": "nosniff",
}
_log = logging.getLogger("lunacy.serve")


class Guard:
    """Refuses what is forged, comes without the token, too slowly, or when too much is asked at once."""

    def __init__(
        self, app: ASGIApp, *, allowed_hosts: Iterable[str] = (), token: str = "", is_own: bool = False
    ) -> None:
        """`is_own`: there is something to be seen that is for nobody else on the other side of a proxy."""
        self._app = app
        self._is_own = is_own
        self._hosts = frozenset(host.lower() for host in (*_LOOPBACK, *allowed_hosts))
        self._secret = _hash(token) if token else ""
        headers = {**_HEADERS, "Cache-Control": "private, no-cache" if token else "no-cache"}
        self._headers = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
        self._n_asked = 0  # requests that are being answered

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the request through, or answer it with what is wrong."""
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self._app(scope, receive, send)
            return
        is_started = False

        async def with_headers(message: Message) -> None:
            nonlocal is_started
            if message["type"] == "http.response.start":
                is_started = True
                given = {name for name, _value in message["headers"]}
                message["headers"] = [*message["headers"], *(one for one in self._headers if one[0] not in given)]
            await send(message)

        request = Request(scope)
        self._n_asked += 1
        try:
            if (signed_in := self._checked(request)) is not None:
                await signed_in(scope, receive, with_headers)
                return
            bounded = receive if request.method in _SAFE else _bounded(receive)
            await self._app(scope, bounded, with_headers)
        except ClientDisconnect:
            pass  # within its body: there is nobody to tell
        except Exception as error:  # noqa: BLE001 - the last place that can answer; what nobody foresaw is logged
            if not isinstance(error, Refused):
                _log.error("%s %a failed", request.method, scope["path"], exc_info=error)
            if not is_started:
                await told(request, error)(scope, receive, with_headers)
        finally:
            self._n_asked -= 1

    def _checked(self, request: Request) -> Response | None:
        """None for what may go on; an answer that signs a browser in. Raises Refused for the rest."""
        if self._n_asked > bounds.REQUESTS:
            raise Refused(503, "Busy", "too much is asked at once", "ask again in a moment", {"Retry-After": "1"})
        self._require_host(request.headers)
        if self._is_own:
            _require_direct(request.headers)
        _require_own_origin(request)
        if not self._secret or request.scope["path"] == "/api/health":
            return None
        query = request.scope["query_string"].decode("latin-1")
        if request.method in _SAFE and "token=" in query:
            given = dict(parse_qsl(query)).get("token")
            if given is not None and self._is_secret(_hash(given)):
                return self._signed_in(request, query)
        if not self._is_known(request.headers):
            raise Refused(
                401,
                "TokenRequired",
                "this server asks for its token",
                "in a browser open /?token=TOKEN once; a program sends the header Authorization: Bearer TOKEN",
                {"WWW-Authenticate": "Bearer"},
            )
        return None

    def _require_host(self, headers: Headers) -> None:
        """Refuse another name than ours: a page elsewhere may let its name lead here (DNS rebinding)."""
        given = headers.getlist("host")
        match = _HOST.fullmatch(given[0]) if len(given) == 1 else None
        if match is None or match[1].lower() not in self._hosts:
            shown = repr(given[0][:60]) if given else "none"
            raise Refused(
                400,
                "UnknownHost",
                f"the header Host is {shown}, which is no name of this server",
                "whoever runs the server allows a name with: lunacy serve --allow-host NAME",
            )

    def _is_known(self, headers: Headers) -> bool:
        kind, _space, given = headers.get("authorization", "").partition(" ")
        if kind.lower() == "bearer" and self._is_secret(_hash(given.strip())):
            return True
        try:
            cookie = SimpleCookie(headers.get("cookie", "")).get(COOKIE)
        except CookieError:
            return False
        return cookie is not None and self._is_secret(cookie.value)

    def _is_secret(self, hashed: str) -> bool:
        return hmac.compare_digest(hashed.encode(), self._secret.encode())

    def _signed_in(self, request: Request, query: str) -> Response:
        """To the same address without the token, which a browser then has as a cookie that no script can read."""
        kept = [pair for pair in query.split("&") if pair.partition("=")[0] != "token"]
        path = "/" + request.scope["raw_path"].decode("latin-1").lstrip("/\\")  # "//elsewhere" would lead there
        response = RedirectResponse(f"{path}?{'&'.join(kept)}" if kept else path, 303, {"Cache-Control": "no-store"})
        is_secure = "https" in (request.headers.get("x-forwarded-proto"), request.scope["scheme"])
        response.set_cookie(COOKIE, self._secret, max_age=_COOKIE_S, httponly=True, samesite="strict", secure=is_secure)
        return response


def _hash(token: str) -> str:
    """What the cookie holds: it is of one length, and does not tell the token."""
    return sha256(token.encode(errors="surrogateescape")).hexdigest()


def _require_direct(headers: Headers) -> None:
    """Refuse what a proxy passes on under one of our own names: nobody knows for whom."""
    if any(name in headers for name in _OF_PROXIES):
        raise Refused(
            403,
            "ForeignProxy",
            "this came through a proxy, and the server is for the person alone who started it",
            "whoever runs the server lets others in with: lunacy serve --allow-host NAME",
        )


def _require_own_origin(request: Request) -> None:
    """Refuse what a page elsewhere lets a browser send (https://web.dev/articles/fetch-metadata)."""
    site = request.headers.get("sec-fetch-site", "none")
    if request.method in _SAFE:
        is_link = (
            request.headers.get("sec-fetch-mode") == "navigate" and request.headers.get("sec-fetch-dest") == "document"
        )
        is_own = site != "cross-site" or is_link
    else:
        is_own = site in ("none", "same-origin") and all(
            urlsplit(origin).netloc.lower() == request.headers["host"].lower()
            for origin in request.headers.getlist("origin")
        )
    if not is_own:
        raise Refused(403, "ForeignOrigin", "a page of another site asked for this", "open it in a tab of its own")


def _bounded(receive: Receive) -> Receive:
    """`receive`, which raises Refused for a body that is too long, or does not come in time."""
    deadline: float | None = asyncio.get_running_loop().time() + bounds.BODY_S
    n_bytes = 0

    async def bounded() -> Message:
        nonlocal deadline, n_bytes
        try:
            async with asyncio.timeout_at(deadline):
                message = await receive()
        except TimeoutError:
            raise Refused(408, "BodyTooSlow", f"the body did not come within {bounds.BODY_S} seconds") from None
        n_bytes += len(message.get("body", b""))
        if n_bytes > bounds.BODY_BYTES:
            raise Refused(
                413, "BodyTooLarge", f"the body has more than {bounds.BODY_BYTES:,} bytes", "ask for less at once"
            )
        if not message.get("more_body"):
            deadline = None
        return message

    return bounded
