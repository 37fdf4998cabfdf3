"""How quick the map is in a browser: python -m tests.bench.map_page INDEX [N_PAPERS]

`lunacy serve` over the index, and headless Chromium, which draws without a GPU: the time to the first picture, and to
the whole, the bytes that came until then, the time from frame to frame while one pans and zooms, and what the script
needs of it, the time that tiles take at each zoom, and the memory of the server. With N_PAPERS, a copy of the index has
a map of so many papers, which lie at random around those of the index and have their titles.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
from playwright.sync_api import Browser, Page

from lunacy.derived.map import Points, add_map, open_map
from lunacy.draw.tile import DEEPEST
from lunacy.query import open_index
from lunacy.query.map_view import MapReader, MapView
from lunacy.serve.map.alone import write_map_file
from lunacy.store import Store, caches
from tests.bench.serve import rss_mb, served
from tests.serve.browser import chromium

N_TILES, AROUND = 40, 0.003
SIZE = {"width": 1280, "height": 900}
_ZOOMS = (1, 3, 5, 7)
# Some frames of panning, or of zooming in and out again, as the pointer and the wheel do it; the times between them. At
# rest nothing is drawn, so they tell what else the machine does.
_MOVE = """async ([zoom, kind]) => {
  const view = window.lunacyMap, { camera } = view, times = [], drawing = [];
  const draw = Object.getPrototypeOf(view).draw;
  view.draw = () => { const begun = performance.now(); draw.call(view); drawing.push(performance.now() - begun); };
  camera.stop();
  camera.set({ x: 0.45, y: 0.45, zoom });
  view.moved();
  await new Promise((done) => setTimeout(done, 800));
  let last = await new Promise(requestAnimationFrame);
  for (let n = 0; n < 180; n += 1) {
    if (kind === "pan") camera.pan(n % 120 < 60 ? 9 : -9, n % 60 < 30 ? 6 : -6);
    else if (kind === "zoom" && n % 10 === 0) camera.zoomBy(n % 120 < 60 ? 0.3 : -0.3, 700, 400);
    if (kind !== "rest") view.moved();
    const now = await new Promise(requestAnimationFrame);
    times.push(now - last);
    last = now;
  }
  delete view.draw;
  return [times, drawing];
}"""


def main() -> None:
    """Measure, and print the figures."""
    index = Path(sys.argv[1])
    with tempfile.TemporaryDirectory() as name:
        if len(sys.argv) > 2:
            index = Path(shutil.copytree(index, Path(name) / "index"))
            enlarge(index, int(sys.argv[2]))
        time_tiles(index)
        with chromium() as browser:
            with served(index) as (server, url):
                page = load(browser, f"{url}/map")
                move(page)
                print(f"server: {rss_mb(server):.0f} MB resident, the mapped file among it")
            if len(sys.argv) == 2:
                time_file(browser, index, Path(name) / "map.html")


def enlarge(index: Path, n: int) -> None:
    """Give the index a map of `n` papers around its own."""
    drawn = np.random.default_rng(0)
    with Store(index) as store, store.view() as view:
        found = open_map(view)
        assert found is not None, "the index has no map"
        old = found.points
        pick = drawn.integers(0, len(old), n)
        x, y = ((one[pick] + drawn.normal(0, AROUND, n)).clip(0, 0.99999).astype(np.float32) for one in (old.x, old.y))
        columns = (old.keys[pick], old.codes[pick], old.rows[pick], x, y, old.category[pick], old.month[pick])
        made = add_map(view, replace(found.facts, n_papers=n), Points(*columns), found.categories, found.regions)
        caches.commit(index, "map", [made])


def opened_map(index: Path) -> MapView:
    """The map of an index, ready to be drawn."""
    with open_index(index) as ix, ix.view() as view:
        found = MapReader().read(view)
    assert found is not None, "the index has no map"
    return found


def time_tiles(index: Path) -> None:
    """Tiles at each zoom, around papers that are drawn."""
    started_s = time.perf_counter()
    found = opened_map(index)
    print(f"{len(found):,} papers; opened in {time.perf_counter() - started_s:.2f} s")
    print(f"{'zoom':>4}{'p50 ms':>9}{'p95 ms':>9}{'kB':>6}")
    drawn = np.random.default_rng(1)
    for zoom in range(DEEPEST + 1):
        times, sizes = [], []
        for place in drawn.integers(0, len(found), N_TILES if zoom else 5).tolist():
            x, y = (int(one[place] * 2**zoom) for one in (found.map.points.x, found.map.points.y))
            started_s = time.perf_counter()
            tile = found.tile(zoom, x, y, colour="archive", ground="light")
            times.append(1000 * (time.perf_counter() - started_s))
            sizes.append(len(tile))
        p50, p95 = np.percentile(times, [50, 95])
        print(f"{zoom:4}{p50:9.1f}{p95:9.1f}{np.median(sizes) / 1000:6.0f}")


def load(browser: Browser, url: str) -> Page:
    """The page, from an empty cache, until all of the first picture is there."""
    context = browser.new_context(viewport=SIZE, bypass_csp=True)  # type: ignore[arg-type]
    page = context.new_page()
    session = context.new_cdp_session(page)
    session.send("Network.enable")
    sizes: list[float] = []
    session.on("Network.loadingFinished", lambda event: sizes.append(event["encodedDataLength"]))
    started_s = time.perf_counter()
    page.goto(url, wait_until="commit")
    page.wait_for_selector("#canvas[data-begun]")
    begun_s = time.perf_counter() - started_s
    page.wait_for_selector("#canvas[data-whole]")
    taken_s = time.perf_counter() - started_s
    page.wait_for_timeout(1000)
    print(
        f"first picture after {begun_s:.2f} s, whole after {taken_s:.2f} s; {sum(sizes) / 1e6:.2f} MB before one moves"
    )
    return page


def move(page: Page) -> None:
    """Pan and zoom, at several zooms."""
    print(f"{'frames':>12}{'p50 ms':>9}{'p95 ms':>9}{'max ms':>9}{'script p50':>12}{'p95 ms':>9}")
    for kind in ("rest", "pan", "zoom"):
        for zoom in _ZOOMS if kind != "rest" else _ZOOMS[:1]:
            times, drawing = page.evaluate(_MOVE, [zoom, kind])
            p50, p95, s50, s95 = [*np.percentile(times, [50, 95]), *np.percentile(drawing or [0], [50, 95])]
            print(f"{kind:>8} at {zoom}{p50:9.1f}{p95:9.1f}{max(times):9.1f}{s50:12.1f}{s95:9.1f}", flush=True)


def time_file(browser: Browser, index: Path, into: Path) -> None:
    """The same of the map as one file."""
    started_s = time.perf_counter()
    with open_index(index) as ix:
        report = write_map_file(ix, into)
    print(f"one file: {report.size_bytes / 1e6:.1f} MB, written in {time.perf_counter() - started_s:.1f} s")
    page = load(browser, into.as_uri())
    page.wait_for_timeout(3000)  # titles are unpacked
    move(page)


if __name__ == "__main__":
    main()
