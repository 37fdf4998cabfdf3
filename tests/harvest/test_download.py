"""`lunacy download`: the snapshot comes whole, whatever breaks on the way, and only once."""

from __future__ import annotations

import base64
import hashlib
import os
import re
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from lunacy.errors import HarvestError, UsageError
from lunacy.harvest import DownloadReport, download
from lunacy.harvest.download import _account
from tests.test_cli import run

DATA = os.urandom(300_000)
Answer = Callable[[Any], None]


class Kaggle:
    """A server that redirects to a file, as Kaggle does, and can break off."""

    def __init__(self) -> None:
        self.data = DATA
        self.tells_hash = True
        self.takes_ranges = True
        self.answers: list[
            Answer | int
        ] = []  # for the next requests: an answer, or how many bytes come of the right one
        self.asked: list[str] = []  # the ranges
        self.url = ""

    def file(self, handler: Any) -> None:
        """Send what is asked for of the file, or its beginning."""
        asked = handler.headers.get("Range", "")
        self.asked.append(asked)
        limit = self.answers.pop(0) if self.answers else len(self.data)
        if not isinstance(limit, int):
            limit(handler)
            return
        start = int(re.findall(r"\d+", asked)[0]) if asked and self.takes_ranges else 0
        rest = self.data[start:]
        handler.send_response(206 if start else 200) if rest else handler.send_response(416)
        if start:
            handler.send_header("Content-Range", f"bytes {start}-{len(self.data) - 1}/{len(self.data)}")
        if self.tells_hash:
            told = base64.b64encode(hashlib.md5(self.data).digest()).decode()
            handler.send_header("X-Goog-Hash", "crc32c=AAAAAA==")
            handler.send_header("X-Goog-Hash", f"md5={told}")
        handler.send_header("Content-Length", str(len(rest)))
        handler.end_headers()
        handler.wfile.write(rest[:limit])


@pytest.fixture
def kaggle() -> Iterator[Kaggle]:
    served = Kaggle()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(handler) -> None:  # noqa: N805
            if handler.path == "/file":
                served.file(handler)
                return
            handler.send_response(302)
            handler.send_header("Location", "/file")
            handler.send_header("Content-Length", "0")
            handler.end_headers()

        def log_message(handler, *_: Any) -> None:  # noqa: N805
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    served.url = f"http://127.0.0.1:{server.server_address[1]}/api"
    yield served
    server.shutdown()
    server.server_close()


@pytest.fixture
def bring(kaggle: Kaggle, tmp_path: Path) -> Callable[[], DownloadReport]:
    return lambda: download(tmp_path / "arxiv.zip", url=kaggle.url, sleep=lambda _s: None)


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_the_file_comes_whole(kaggle: Kaggle, bring: Callable[[], DownloadReport], tmp_path: Path) -> None:
    assert bring() == DownloadReport(tmp_path / "arxiv.zip", len(DATA), is_new=True)
    assert files(tmp_path) == {"arxiv.zip": DATA}
    assert kaggle.asked == [""]


def test_what_is_there_and_the_newest_does_not_come_again(
    kaggle: Kaggle, bring: Callable[[], DownloadReport], tmp_path: Path
) -> None:
    bring()
    assert not bring().is_new
    kaggle.data = DATA[::-1]
    assert bring().is_new
    assert files(tmp_path) == {"arxiv.zip": DATA[::-1]}


def test_a_connection_that_breaks_goes_on_where_it_was(
    kaggle: Kaggle, bring: Callable[[], DownloadReport], tmp_path: Path
) -> None:
    kaggle.answers = [100_000, 0, 50_000, lambda handler: handler.send_error(503)]
    bring()
    assert files(tmp_path) == {"arxiv.zip": DATA}
    assert kaggle.asked == ["", "bytes=100000-", "bytes=100000-", "bytes=150000-", "bytes=150000-"]


def test_an_interruption_goes_on_at_the_next_call(
    kaggle: Kaggle, bring: Callable[[], DownloadReport], tmp_path: Path
) -> None:
    kaggle.answers = [100_000, *[lambda handler: handler.send_error(503)] * 8]
    with pytest.raises(HarvestError, match=r"503.*what has come is kept: the same command goes on"):
        bring()
    assert files(tmp_path) == {"arxiv.zip.part": DATA[:100_000]}
    bring()
    assert kaggle.asked[-1] == "bytes=100000-"
    assert files(tmp_path) == {"arxiv.zip": DATA}


def test_all_came_and_only_the_name_is_lacking(bring: Callable[[], DownloadReport], tmp_path: Path) -> None:
    (tmp_path / "arxiv.zip.part").write_bytes(DATA)
    bring()
    assert files(tmp_path) == {"arxiv.zip": DATA}


@pytest.mark.parametrize("tells_hash", [True, False])
def test_a_server_without_ranges_sends_all_again(
    kaggle: Kaggle, bring: Callable[[], DownloadReport], tmp_path: Path, tells_hash: bool
) -> None:
    kaggle.takes_ranges, kaggle.tells_hash, kaggle.answers = False, tells_hash, [100_000]
    bring()
    assert files(tmp_path) == {"arxiv.zip": DATA}


def test_a_file_that_changed_meanwhile_is_refused(bring: Callable[[], DownloadReport], tmp_path: Path) -> None:
    (tmp_path / "arxiv.zip.part").write_bytes(b"of last week")
    with pytest.raises(HarvestError, match="is not what Kaggle has"):
        bring()
    assert files(tmp_path) == {}
    bring()
    assert files(tmp_path) == {"arxiv.zip": DATA}


def page(handler: Any) -> None:
    handler.send_response(200)
    handler.send_header("Content-Type", "text/html; charset=utf-8")
    handler.end_headers()
    handler.wfile.write(b"<html>Sign in</html>")


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (
            lambda handler: handler.send_error(403),
            "HTTP 403 Forbidden: Kaggle asks for an account; set KAGGLE_USERNAME",
        ),
        (lambda handler: handler.send_error(404), "HTTP 404 Not Found"),
        (page, "it answers with a page, not with a file"),
    ],
)
def test_what_cannot_be_had_is_told_with_the_way_by_hand(
    kaggle: Kaggle, bring: Callable[[], DownloadReport], tmp_path: Path, answer: Answer, said: str
) -> None:
    kaggle.answers = [answer]
    with pytest.raises(HarvestError, match=said) as told:
        bring()
    assert "in a browser from https://www.kaggle.com/datasets/Cornell-University/arxiv" in told.value.full_message
    assert files(tmp_path) == {}


@pytest.mark.parametrize("into", ["", "missing/arxiv.zip"])
def test_a_place_where_nothing_can_go_is_told_before_anything_comes(kaggle: Kaggle, tmp_path: Path, into: str) -> None:
    with pytest.raises(UsageError, match="cannot be written"):
        download(tmp_path / into, url=kaggle.url)
    assert kaggle.asked == []


def test_an_address_that_is_none_is_told(tmp_path: Path) -> None:
    with pytest.raises(HarvestError, match="Invalid port"):
        download(tmp_path / "a.zip", url="http://a:b/")


def test_an_account_is_told_to_kaggle_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("KAGGLE_USERNAME", raising=False)
    assert _account("https://www.kaggle.com/api") is None
    (tmp_path / ".kaggle").mkdir()
    (tmp_path / ".kaggle" / "kaggle.json").write_text('{"username": "ada", "key": "k"}')
    assert _account("https://www.kaggle.com/api") == ("ada", "k")
    assert _account("https://storage.example.org/file") is None
    assert _account("https://evilkaggle.com/file") is None
    monkeypatch.setenv("KAGGLE_USERNAME", "alan")
    monkeypatch.setenv("KAGGLE_KEY", "t")
    assert _account("https://www.kaggle.com/api") == ("alan", "t")


def test_the_command_says_what_to_do_next(kaggle: Kaggle, tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    result = run("download", "--into", path, "--from", kaggle.url)
    assert (result.exit_code, result.stdout.splitlines()) == (
        0,
        [f"{path}: 300,000 bytes came", f"next: lunacy index {path} --into indexes/arxiv"],
    )
    again = run("download", "--into", path, "--from", kaggle.url)
    assert again.stdout == f"{path}: 300,000 bytes are there already, and are the newest\n"
