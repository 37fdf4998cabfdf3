"""Requests that no honest client sends, as bytes, and what may come of each."""

from __future__ import annotations

_GET = b"GET /api/health HTTP/1.1\r\nHost: localhost\r\n"
_POST = b"POST /api/similar HTTP/1.1\r\nHost: localhost\r\n"
_CHUNKED = b"Transfer-Encoding: chunked"
_BODY = b'{"id": ["1802.00001"]}'


def _get(target: bytes, host: bytes = b"localhost") -> bytes:
    return b"GET %s HTTP/1.1\r\nHost: %s\r\n\r\n" % (target, host)


def _post(*headers: bytes, body: bytes = _BODY) -> bytes:
    return _POST + b"".join(one + b"\r\n" for one in headers) + b"\r\n" + body


# name: (bytes, the statuses that may answer it; none: the connection is closed without an answer)
REQUESTS: dict[str, tuple[bytes, set[int]]] = {
    # names and origins
    "another host": (_get(b"/", b"evil.example"), {400}),
    "another host with our port": (_get(b"/", b"evil.example:8765"), {400}),
    "a host that begins like ours": (_get(b"/", b"localhost.evil.example"), {400}),
    "a host with a user": (_get(b"/", b"localhost@evil.example"), {400}),
    "a host with two ports": (_get(b"/", b"localhost:80:80"), {400}),
    "an empty host": (_get(b"/", b""), {400}),
    "no host": (b"GET / HTTP/1.1\r\n\r\n", {400}),
    "no host in HTTP/1.0": (b"GET / HTTP/1.0\r\n\r\n", {400}),
    "two hosts": (b"GET / HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n\r\n", {400}),
    # a server for one person alone stands behind no proxy
    "a forwarded host": (_GET + b"X-Forwarded-Host: evil.example\r\nForwarded: host=evil.example\r\n\r\n", {403}),
    "another origin": (_post(b"Origin: http://evil.example", b"Content-Length: 22"), {403}),
    "the origin null": (_post(b"Origin: null", b"Content-Length: 22"), {403}),
    "two origins": (_post(b"Origin: http://localhost", b"Origin: http://evil.example", b"Content-Length: 22"), {403}),
    "an origin on another port": (_post(b"Origin: http://localhost:1", b"Content-Length: 22"), {403}),
    "fetched from another site": (_GET + b"Sec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: no-cors\r\n\r\n", {403}),
    # targets
    "a whole address of another server": (_get(b"http://evil.example/api/health"), {400, 404}),
    "a whole address": (_get(b"http://localhost/api/health"), {200, 400, 404}),
    "two slashes": (_get(b"//evil.example/"), {404}),
    "a star": (b"OPTIONS * HTTP/1.1\r\nHost: localhost\r\n\r\n", {204, 400, 404}),
    "a proxy's CONNECT": (b"CONNECT evil.example:443 HTTP/1.1\r\nHost: localhost\r\n\r\n", {400, 404, 405}),
    "TRACE": (b"TRACE / HTTP/1.1\r\nHost: localhost\r\nX-Secret: 1\r\n\r\n", {405}),
    "a method of nobody": (b"PWN / HTTP/1.1\r\nHost: localhost\r\n\r\n", {405}),
    "the folder above": (_get(b"/static/../app.py"), {404}),
    "the folder above, escaped": (_get(b"/static/%2e%2e/app.py"), {404}),
    "the folder above, all escaped": (_get(b"/static/..%2fapp.py"), {404}),
    "the folder above, escaped twice": (_get(b"/static/%252e%252e/app.py"), {404}),
    "the folder above, with backslashes": (_get(b"/static/..\\app.py"), {404}),
    "the folder above, with escaped backslashes": (_get(b"/static/..%5capp.py"), {404}),
    "the root of the disk": (_get(b"/static//etc/passwd"), {404}),
    "a null in the name of a file": (_get(b"/static/%00"), {404}),
    "a long name of a file": (_get(b"/static/" + b"a" * 5_000), {404}),
    "a null in an id": (_get(b"/api/paper/%00"), {400}),
    "the folder above as an id": (_get(b"/api/paper/..%2f..%2fetc%2fpasswd"), {400}),
    "wrong escapes and wrong UTF-8": (_get(b"/api/paper/%zz%ff%c0%ae"), {400}),
    # two ways to tell where a body ends: what one of two servers takes for a second request
    "a length and chunks": (_post(b"Content-Length: 5", _CHUNKED, body=b"0\r\n\r\n" + _get(b"/")), {400}),
    "another coding": (_post(b"Transfer-Encoding: xchunked", body=b"0\r\n\r\n"), {400, 501}),
    "two codings": (_post(_CHUNKED, b"Transfer-Encoding: identity", body=b"0\r\n\r\n"), {400, 501}),
    "a coding with a tab": (_post(b"Transfer-Encoding:\tchunked\x0b", body=b"0\r\n\r\n"), {400, 501}),
    "two lengths": (_post(b"Content-Length: 22", b"Content-Length: 23"), {400}),
    "a length with a sign": (_post(b"Content-Length: +22"), {400}),
    "a negative length": (_post(b"Content-Length: -22"), {400}),
    "a length in hexadecimal": (_post(b"Content-Length: 0x16"), {400}),
    "a length with an underscore": (_post(b"Content-Length: 2_2"), {400}),
    "a length of 5,000 digits": (_post(b"Content-Length: " + b"9" * 5_000), {400, 413}),
    "a space before the colon": (_post(b"Content-Length : 22"), {400}),
    "a chunk of no number": (_post(_CHUNKED, body=b"zz\r\n{}\r\n0\r\n\r\n"), {400}),
    "a chunk of 2 ** 84 bytes": (_post(_CHUNKED, body=b"F" * 21 + b"\r\n{}"), {400, 413}),
    "a null in a header": (_GET + b"X: a\0b\r\n\r\n", {400}),
    "a header of nothing": (_GET + b": a\r\n\r\n", {400}),
    # sizes
    "a length beyond the bound": (_post(b"Content-Length: 3000000", body=b" " * 3_000_000), {413}),
    "chunks beyond the bound": (_post(_CHUNKED, body=(b"10000\r\n" + b" " * 65_536 + b"\r\n") * 50), {413}),
    "an announced terabyte": (_post(b"Content-Length: 1000000000000"), {408, 413}),
    "a long address": (_get(b"/" + b"a" * 1_000_000), {400, 414, 431}),
    "a long header": (_GET + b"X: " + b"a" * 1_000_000 + b"\r\n\r\n", {400, 431}),
    "headers without end": (_GET + b"X: " + b"a" * 3_000_000, {400, 431}),
    "many headers": (_GET + b"".join(b"X%d: a\r\n" % n for n in range(100_000)) + b"\r\n", {400, 431}),
    # what is no HTTP, or another
    "noise": (bytes(range(256)) * 20, {400}),
    "TLS": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(500), {400}),
    "HTTP/2": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0", {400}),
    "HTTP/0.9": (b"GET /\r\n\r\n", {400}),
    "a gzip bomb": (_post(b"Content-Encoding: gzip", b"Content-Length: 22", body=b"\x1f\x8b" + bytes(20)), {400, 415}),
    "many ranges": (b"GET /static/page.css HTTP/1.1\r\nHost: localhost\r\nRange: bytes=" + b"0-," * 9_000
                    + b"5-\r\n\r\n", {200, 206, 400, 416}),
    "a websocket": (_GET + b"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n", {200, 400, 403, 426}),
}  # fmt: skip
