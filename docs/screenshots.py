"""Writes the pictures of the page that the README shows, in Chromium: of the sample by `make screenshots`; those of the
map, which needs more papers, by `python docs/screenshots.py INDEX`.
"""

from __future__ import annotations

import base64
import shutil
import socket
import struct
import sys
import tempfile
import threading
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import uvicorn
from playwright.sync_api import Browser, Page, sync_playwright

import lunacy
from lunacy.query.service import Service
from lunacy.serve.app import create_app

_HERE = Path(__file__).parent
_PAPER = "1008.2026"
_QUESTION = f"/similar?id={_PAPER}"
_ARGUMENTS = "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking --disable-sync"
_SCALE = 2  # pixels of the picture for one of the page
_N_COLORS = 36  # of a picture; antialiased letters need no more
_PICTURES = {  # name: address, light or dark, width, height, what to do there
    "page": (_QUESTION, "light", 1280, 760, ""),
    "page-dark": ("/", "dark", 1280, 760, ""),
    "page-phone": (_QUESTION, "dark", 390, 800, "document.querySelector('#hits-title').scrollIntoView()"),
}
_MAPS = {  # name: address, light or dark
    "map": ("/map", "light"),
    "map-nearer": ("/map?text=graph+neural+networks&top=20#x=0.72&y=0.5&z=2.2", "dark"),
    "map-paper": ("/map?at=1802.05130", "light"),
}
_QUALITY = 72  # of a JPEG: as a PNG so many dots would be several times larger
_PIXELS = """async png => {
    const image = await createImageBitmap(await (await fetch(`data:image/png;base64,${png}`)).blob());
    const canvas = new OffscreenCanvas(image.width, image.height).getContext("2d");
    canvas.drawImage(image, 0, 0);
    const bytes = canvas.getImageData(0, 0, image.width, image.height).data;
    const parts = [];
    for (let at = 0; at < bytes.length; at += 32768) parts.push(String.fromCharCode(...bytes.subarray(at, at + 32768)));
    return [image.width, image.height, btoa(parts.join(""))];
}"""


def write_pictures(index: Path | None = None) -> None:
    """Those of the page, or, with `index`, those of its map, in a few seconds."""
    program = shutil.which("chromium")
    if program is None:
        raise SystemExit("there is no Chromium; on Debian: apt-get install chromium")
    with _served(index) as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=_ARGUMENTS.split())
        if index is not None:
            _write_maps(browser, address)
        for name, (path, scheme, width, height, script) in _PICTURES.items() if index is None else ():
            page = _page(browser, scheme, width, height, _SCALE)
            page.goto(f"{address}{path}")
            page.evaluate(script or "document.activeElement.blur()")
            _write(f"{name}.png", _indexed(browser, page.screenshot(animations="disabled")))
            page.context.close()
        browser.close()


def _write_maps(browser: Browser, address: str) -> None:
    for name, (path, scheme) in _MAPS.items():
        page = _page(browser, scheme, 1280, 760, 1)
        page.goto(f"{address}{path}")
        page.wait_for_selector("canvas[data-whole]")
        if "text=" in path:
            page.wait_for_selector("#marked details", timeout=60_000)  # the model is loaded first
        page.wait_for_timeout(3000)  # until what is under way has landed
        page.wait_for_selector("canvas[data-whole]")
        page.evaluate("document.activeElement.blur()")
        _write(f"{name}.jpg", page.screenshot(type="jpeg", quality=_QUALITY))
        page.context.close()


def _page(browser: Browser, scheme: str, width: int, height: int, scale: int) -> Page:
    return browser.new_context(
        viewport={"width": width, "height": height},
        color_scheme="dark" if scheme == "dark" else "light",
        device_scale_factor=scale,
    ).new_page()


def _write(name: str, picture: bytes) -> None:
    (_HERE / name).write_bytes(picture)
    print(f"docs/{name}: {len(picture) / 1000:.0f} kB")  # noqa: T201


@contextmanager
def _served(index: Path | None) -> Iterator[str]:
    """The address at which an index is served; None: the sample."""
    with tempfile.TemporaryDirectory() as folder, socket.create_server(("127.0.0.1", 0)) as listening:
        if index is None:
            index = Path(folder) / "sample"
            lunacy.build_index(into=index)
        service = Service([index])
        app = create_app(service, lists=Path(folder) / "lists.jsonl")  # as on the machine of the person who started it
        server = uvicorn.Server(uvicorn.Config(app, log_level="critical", ws="none"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        while not server.started:
            time.sleep(0.01)
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        server.should_exit = True
        thread.join()
        service.close()


def _indexed(browser: Browser, png: bytes) -> bytes:
    """A PNG of _N_COLORS colours, a third as large: each colour becomes the nearest of those that are frequent.

    Of colours that hardly differ one is taken, so that a small icon keeps its own beside the greys of the letters.
    """
    page = browser.new_page()
    width, height, pixels = page.evaluate(_PIXELS, base64.b64encode(png).decode())
    page.close()
    bytes_ = np.frombuffer(base64.b64decode(pixels), np.uint8).reshape(-1, 4)[:, :3]  # (n, 3)
    colors, of_pixel, counts = np.unique(bytes_, axis=0, return_inverse=True, return_counts=True)
    frequent = colors[np.argsort(-counts)]
    _alike, first = np.unique(frequent >> 4, axis=0, return_index=True)
    palette = frequent[np.sort(first)[:_N_COLORS]]  # (p, 3)
    apart = np.abs(colors[:, None].astype(int) - palette).sum(axis=2)  # (c, p)
    indexes = apart.argmin(axis=1).astype(np.uint8)[of_pixel.reshape(-1)].reshape(height, width)
    rows = np.concatenate([np.zeros((height, 1), np.uint8), indexes], axis=1).tobytes()  # each begins with its filter
    head = struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)
    chunks = {b"IHDR": head, b"PLTE": palette.tobytes(), b"IDAT": zlib.compress(rows, 9), b"IEND": b""}
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in chunks.items()
    )


if __name__ == "__main__":
    write_pictures(Path(sys.argv[1]) if len(sys.argv) > 1 else None)
