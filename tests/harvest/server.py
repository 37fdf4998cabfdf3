"""A server that answers as arXiv's does, from a made archive, with faults on demand; it writes down each request."""

from __future__ import annotations

import gzip
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, quote, unquote, urlencode, urlsplit

from tests.harvest.archive import Entry, error_reply, list_reply, record, reply, sets_of


class Clock:
    """Time that passes when somebody sleeps."""

    def __init__(self) -> None:
        self.now_s = 1000.0
        self.waits_s: list[float] = []

    def __call__(self) -> float:
        """The seconds."""
        return self.now_s

    def sleep(self, seconds: float) -> None:
        """Let them pass."""
        self.waits_s.append(seconds)
        self.now_s += seconds


Fault = Callable[[Any, bytes], None]  # what to send in the place of the right reply


@dataclass
class Server:
    """The archive, and how it is served."""

    entries: list[Entry]
    page_size: int = 10
    day: str = "2026-11-26"
    forms: Sequence[str] = ("arXivRaw", "arXiv", "oai_dc")
    is_new: bool = True
    has_sets: bool = True
    clock: Callable[[], float] = time.monotonic
    faults: dict[int, Fault] = field(default_factory=dict)  # by the number of the request, from 0
    log: list[tuple[float, dict[str, str]]] = field(default_factory=list)
    agents: set[str] = field(default_factory=set)
    url: str = ""

    def answer(self, query: dict[str, str]) -> bytes:
        """The right reply."""
        if query.get("verb") == "GetRecord":
            for one in self.entries:
                if query["identifier"] == f"oai:arXiv.org:{one.id}":
                    form = query["metadataPrefix"]
                    return reply(
                        f"<GetRecord>\n{record(one, form, is_new=self.is_new)}</GetRecord>\n", self.day, "GetRecord"
                    )
            return error_reply("idDoesNotExist", day=self.day)
        token = query.get("resumptionToken")
        begin = 0
        if token is not None:
            asked = {name: values[0] for name, values in parse_qs(unquote(token)).items()}
            if "skip" not in asked or len(query) != 2:
                return error_reply("badResumptionToken", "Token decoding failed.", self.day)
            begin = int(asked.pop("skip"))
            query = asked
        form, wanted = query["metadataPrefix"], query.get("set", "")
        if form not in self.forms:
            return error_reply("cannotDisseminateFormat", day=self.day)
        if wanted and not self.has_sets:
            return error_reply("noSetHierarchy", day=self.day)
        found = sorted(
            (
                one
                for one in self.entries
                if query.get("from", "") <= one.datestamp
                and any(
                    f":{spec}:".startswith(f":{wanted}:" if wanted else ":")
                    for spec in sets_of(one, is_new=self.is_new)
                )
            ),
            key=lambda one: (one.datestamp, one.id),
        )
        page = found[begin : begin + self.page_size]
        if not page:
            return error_reply("noRecordsMatch", day=self.day)
        after: str | None = None if token is None else ""
        if len(found) > begin + self.page_size:
            after = quote(urlencode({**query, "skip": begin + self.page_size}))
        return list_reply(page, after, form=form, is_new=self.is_new, day=self.day)

    @contextmanager
    def running(self) -> Iterator[Server]:
        """Serve, at `url`, for a block."""

        class Handler(BaseHTTPRequestHandler):
            def do_GET(handler) -> None:  # noqa: N805
                query = {name: values[0] for name, values in parse_qs(urlsplit(handler.path).query).items()}
                self.log.append((self.clock(), query))
                self.agents.add(handler.headers["User-Agent"])
                body = self.answer(query)
                fault = self.faults.get(len(self.log) - 1)
                with suppress(BrokenPipeError, ConnectionResetError):
                    fault(handler, body) if fault else send(handler, body)

            def log_message(handler, *_: Any) -> None:  # noqa: N805
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        self.url = f"http://127.0.0.1:{server.server_address[1]}/oai"
        try:
            yield self
        finally:
            server.shutdown()
            server.server_close()


def is_within(spec: str, wanted: str) -> bool:
    """Whether a set is in the `wanted` one; "" are all."""
    return not wanted or f"{spec}:".startswith(f"{wanted}:")


def send(handler: Any, body: bytes, status: int = 200, length: int | None = None, **headers: str) -> None:
    """Send a reply; `length`: what it says to be long, if not what it is."""
    handler.send_response(status)
    for name, value in {"Content_Type": "text/xml", **headers}.items():
        handler.send_header(name.replace("_", "-"), value)
    handler.send_header("Content-Length", str(len(body) if length is None else length))
    handler.end_headers()
    handler.wfile.write(body)


def _status(status: int, **headers: str) -> Fault:
    return lambda handler, _body: send(handler, b"busy", status, **headers)


def _date(handler: Any, _body: bytes) -> None:
    later = format_datetime(datetime.now(UTC) + timedelta(seconds=61), usegmt=True)
    send(handler, b"busy", 503, Retry_After=later)


def _between(body: bytes) -> bytes:
    """What comes before the second half of the records."""
    places = [at for at in range(len(body)) if body.startswith(b"<record>", at)]
    return body[: places[len(places) // 2] if places else len(body) // 2]


def _reset(handler: Any, _body: bytes) -> None:
    handler.connection.close()


def hang(seconds: float) -> Fault:
    """Say nothing for longer than a client waits."""

    def wait(_handler: Any, _body: bytes) -> None:
        time.sleep(seconds)

    return wait


def _bomb(handler: Any, _body: bytes) -> None:
    entities = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10 if n else "ha"}">' for n in range(20))
    send(handler, f"<!DOCTYPE r [{entities}]><r>&e19;</r>".encode())


FAULTS: dict[str, Fault] = {
    "503 with seconds": _status(503, Retry_After="7"),
    "503 with a date": _date,
    "503": _status(503),
    "429": _status(429),
    "406": _status(406),
    "500": _status(500),
    "200 with a text": lambda handler, _body: send(handler, b"Rate exceeded."),
    "200 with a page": lambda handler, _body: send(handler, b"<!DOCTYPE html><html><body>Back soon</body></html>"),
    "200 with XHTML": lambda handler, _body: send(handler, b"<html><ListRecords/></html>"),
    "nothing": lambda handler, _body: send(handler, b""),
    "cut in the middle": lambda handler, body: send(handler, body[: len(body) // 2]),
    "cut between records": lambda handler, body: send(handler, _between(body)),
    "broken off": lambda handler, body: send(handler, body[: len(body) // 2], length=len(body)),
    "broken packing": lambda handler, body: send(handler, gzip.compress(body)[:-20], Content_Encoding="gzip"),
    "a list of nothing": lambda handler, _body: send(handler, reply("<ListRecords></ListRecords>")),
    "entities": _bomb,
    "reset": _reset,
    "expired token": lambda handler, _body: send(handler, error_reply("badResumptionToken")),
}
