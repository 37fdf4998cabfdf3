"""The server on a port of this machine, and Chromium: every test that drives it is marked `browser`."""

from __future__ import annotations

import shutil
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import uvicorn
from playwright.sync_api import Browser, Page, sync_playwright

from lunacy.query.service import Service
from lunacy.serve.app import create_app

_ARGUMENTS = (
    "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync"
)


@contextmanager
def serving(service: Service, lists: Path | None = None) -> Iterator[str]:
    """The address of a server over `service`, in a thread; `lists`: the file of those that it shows."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        server = uvicorn.Server(uvicorn.Config(create_app(service, lists=lists), log_level="critical", ws="none"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        try:
            while not server.started:
                time.sleep(0.01)
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join(10)


@contextmanager
def chromium() -> Iterator[Browser]:
    """Debian's Chromium; without one the test is skipped."""
    path = shutil.which("chromium")
    if path is None:
        pytest.skip("there is no Chromium; apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=_ARGUMENTS.split())
        yield browser
        browser.close()


def watched(page: Page, address: str) -> list[str]:
    """A list to which everything is added that must not happen on `page`: errors, dialogs, requests elsewhere."""
    seen: list[str] = []
    page.on("dialog", lambda dialog: (seen.append(f"dialog: {dialog.message}"), dialog.dismiss())[0])
    page.on("console", lambda message: seen.append(f"console: {message.text}") if message.type == "error" else None)
    page.on("pageerror", lambda error: seen.append(f"error: {error}"))
    page.on("popup", lambda popup: seen.append(f"window: {popup.url}"))
    page.on("download", lambda download: seen.append(f"download: {download.url}"))
    page.on(
        "request",
        lambda request: None if request.url.startswith((address, "data:,")) else seen.append(f"request: {request.url}"),
    )
    return seen
