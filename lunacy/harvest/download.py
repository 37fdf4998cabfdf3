"""Download the snapshot of arXiv's metadata that Kaggle keeps, and go on with what is there after an interruption."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import httpx2

from lunacy.errors import HarvestError, UsageError
from lunacy.harvest.client import user_agent
from lunacy.progress import Progress, Report, no_report

SNAPSHOT = "https://www.kaggle.com/api/v1/datasets/download/Cornell-University/arxiv"
_PAGE = "https://www.kaggle.com/datasets/Cornell-University/arxiv"
_PART, _NO_RANGE = 206, 416  # statuses
_SILENCE_S = 60.0
_MOST_TRIES = 8  # without a byte in between
_FIRST_WAIT_S = 5.0
_BLOCK_BYTES = 2**20


@dataclass(frozen=True, slots=True)
class DownloadReport:
    """What a download gave."""

    path: Path
    size_bytes: int
    is_new: bool  # False: the file was there, and is the newest


class _Broken(Exception):
    """The connection broke, or the server is busy."""


def download(
    into: str | Path = "arxiv.zip",
    *,
    url: str = SNAPSHOT,
    progress: Report = no_report,
    note: Callable[[str], None] = lambda _text: None,
    sleep: Callable[[float], None] = time.sleep,
) -> DownloadReport:
    """Download Kaggle's snapshot of arXiv's metadata into the file `into`.

    An account is used where there is one, in KAGGLE_USERNAME and KAGGLE_KEY, or in ~/.kaggle/kaggle.json. What has come
    is in a file beside it, whose name ends in .part, and the next call goes on there. The hash that the server tells is
    compared. Raises HarvestError when it cannot be had.
    """
    path = Path(os.path.expanduser(into))
    if path.is_dir() or not path.parent.is_dir():  # told before 1.5 GB come
        raise UsageError(f"{path} cannot be written", hint="give the name of a file in a folder that is there")
    part = path.with_name(f"{path.name}.part")
    n_left, wait_s = _MOST_TRIES, _FIRST_WAIT_S
    with httpx2.Client(headers={"User-Agent": user_agent()}, timeout=_SILENCE_S, follow_redirects=True) as http:
        while True:
            before = _size(part)
            try:
                wanted = _bring(http, url, path, part, progress)
                break
            except _Broken as error:
                if _size(part) > before:
                    n_left, wait_s = _MOST_TRIES, _FIRST_WAIT_S
                n_left -= 1
                if not n_left:
                    raise _failure(url, f"{error}; what has come is kept: the same command goes on") from None
                note(f"{error}; going on in {wait_s:.0f} s")
                sleep(wait_s)
                wait_s *= 2
    if wanted is None:
        return DownloadReport(path, _size(path), is_new=False)
    if wanted and _md5(part, progress) != wanted:
        part.unlink()
        raise _failure(url, "what came is not what Kaggle has; it may have changed meanwhile: run the command again")
    part.replace(path)
    return DownloadReport(path, _size(path), is_new=True)


def _bring(http: httpx2.Client, url: str, path: Path, part: Path, progress: Report) -> bytes | None:
    """Bring what is lacking into `part`: the MD5 that the whole has, b"" if it is not told; None: `path` is it."""
    start = _size(part)
    asked = {"Range": f"bytes={start}-"} if start else {}
    try:
        with http.stream("GET", url, headers=asked, auth=_account(url)) as reply:
            if reply.status_code == _NO_RANGE:
                return _told_md5(reply)  # all of it has come
            _require_ok(reply, url)
            total, md5 = _total(reply, start), _told_md5(reply)
            if md5 and not start and _size(path) == total and _md5(path, progress) == md5:
                return None
            goes_on = reply.status_code == _PART
            with part.open("ab" if goes_on else "wb") as file:
                done = start if goes_on else 0
                for piece in reply.iter_raw():
                    file.write(piece)
                    done += len(piece)
                    share = done / total if total else None
                    progress(Progress("downloading", done // 10**6, unit="MB", share=share))
    except httpx2.InvalidURL as error:
        raise _failure(url, str(error)) from None
    except httpx2.RequestError as error:
        raise _Broken(" ".join(str(error).split()) or type(error).__name__) from None
    if total and done != total:
        raise _Broken(f"{done:,} of {total:,} bytes came")
    return md5


def _require_ok(reply: httpx2.Response, url: str) -> None:
    status = reply.status_code
    what = f"HTTP {status} {reply.reason_phrase}".rstrip()
    if status in (408, 429) or status >= 500:
        raise _Broken(what)
    if status in (401, 403):
        raise _failure(url, f"{what}: Kaggle asks for an account; set KAGGLE_USERNAME and KAGGLE_KEY")
    if status not in (200, _PART):
        raise _failure(url, what)
    if "text/html" in reply.headers.get("Content-Type", ""):
        raise _failure(url, "it answers with a page, not with a file")


def _total(reply: httpx2.Response, start: int) -> int:
    """The bytes of the whole; 0 if they are not told."""
    _unit, _, told = reply.headers.get("Content-Range", "").rpartition("/")
    if told.isdecimal():
        return int(told)
    length = reply.headers.get("Content-Length", "")
    is_rest = start and reply.status_code == _PART
    return int(length) + (start if is_rest else 0) if length.isdecimal() else 0


def _told_md5(reply: httpx2.Response) -> bytes:
    """Of the whole file, as Google's storage tells it: crc32c=...,md5=..."""
    for one in reply.headers.get("X-Goog-Hash", "").split(","):
        if one.strip().startswith("md5="):
            return base64.b64decode(one.strip()[4:])
    return b""


def _account(url: str) -> tuple[str, str] | None:
    """The user's account at Kaggle; it is not told to the server to which that redirects."""
    name, key = os.environ.get("KAGGLE_USERNAME"), os.environ.get("KAGGLE_KEY")
    if not (name and key):
        try:
            stored = json.loads(Path("~/.kaggle/kaggle.json").expanduser().read_bytes())
            name, key = str(stored["username"]), str(stored["key"])
        except (OSError, ValueError, KeyError, TypeError):
            return None
    return (name, key) if httpx2.URL(url).host == "www.kaggle.com" else None


def _md5(path: Path, progress: Report) -> bytes:
    digest, size = hashlib.md5(usedforsecurity=False), _size(path)
    with path.open("rb") as file:
        while block := file.read(_BLOCK_BYTES):
            digest.update(block)
            progress(Progress("checking", file.tell() // 10**6, unit="MB", share=file.tell() / size))
    return digest.digest()


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def _failure(url: str, what: str) -> HarvestError:
    hint = f"or download it in a browser from {_PAGE}"
    return HarvestError(what, where=url, hint=hint)
