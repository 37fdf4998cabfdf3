// Mouse, wheel, touch and keys -> the camera, and which paper is pointed at.

const CLICK = 6; // pixels that a finger may move, and it is still a click
const HOVER_MS = 70;
const KEY_STEP = 80; // pixels
const ZOOM_STEP = 0.7;

export function listen(view, { onHover, onPick, onSearch, onLeave }) {
  const { canvas, camera } = view;
  const fingers = new Map();
  let begun = null; // where the first finger came down, and whether it moved since
  let spread = 0;
  let timer = 0;

  const place = (event) => {
    const { left, top } = canvas.getBoundingClientRect();
    return [event.clientX - left, event.clientY - top];
  };
  const middle = () => {
    const all = [...fingers.values()];
    return [0, 1].map((axis) => all.reduce((sum, one) => sum + one[axis], 0) / all.length);
  };
  const distance = () => {
    const [one, other] = [...fingers.values()];
    return other ? Math.hypot(one[0] - other[0], one[1] - other[1]) : 0;
  };

  canvas.addEventListener("pointerdown", (event) => {
    if (event.pointerType === "mouse" && event.button !== 0) return;
    canvas.setPointerCapture(event.pointerId);
    fingers.set(event.pointerId, place(event));
    camera.stop();
    begun = fingers.size === 1 ? { at: place(event), isClick: true } : null;
    spread = distance();
  });

  canvas.addEventListener("pointermove", (event) => {
    const here = place(event);
    if (!fingers.has(event.pointerId)) {
      if (event.pointerType !== "touch") hover(...here);
      return;
    }
    const before = middle();
    fingers.set(event.pointerId, here);
    const now = middle();
    if (begun && Math.hypot(here[0] - begun.at[0], here[1] - begun.at[1]) > CLICK) begun.isClick = false;
    if (begun?.isClick) return;
    onHover(null);
    camera.pan(before[0] - now[0], before[1] - now[1]);
    if (fingers.size > 1 && spread) {
      camera.zoomAt(camera.zoom + Math.log2(distance() / spread), ...now);
      spread = distance();
    }
    canvas.classList.add("moved");
    view.moved();
  });

  const lift = (event) => {
    const wasThere = fingers.delete(event.pointerId);
    spread = distance();
    canvas.classList.remove("moved");
    if (wasThere && begun?.isClick && event.type === "pointerup") pick(...begun.at, event.pointerType === "touch" ? 20 : 12);
    if (!fingers.size) begun = null;
  };
  canvas.addEventListener("pointerup", lift);
  canvas.addEventListener("pointercancel", lift);
  canvas.addEventListener("pointerleave", () => { clearTimeout(timer); onHover(null); });
  canvas.addEventListener("dblclick", (event) => { camera.zoomBy(1, ...place(event)); view.moved(); });

  canvas.addEventListener("wheel", (event) => {
    event.preventDefault();
    const pixels = event.deltaY * (event.deltaMode === 1 ? 20 : event.deltaMode === 2 ? 300 : 1);
    const step = Math.min(Math.max(-pixels * (event.ctrlKey ? 0.01 : 0.0035), -1), 1);
    onHover(null);
    camera.zoomBy(step, ...place(event));
    view.moved();
  }, { passive: false });

  let asked = 0;
  function hover(left, top) {
    clearTimeout(timer);
    const known = view.known(left, top, 12);
    if (known !== undefined) {
      onHover(known, left, top);
      return;
    }
    timer = setTimeout(async () => {
      const mine = ++asked;
      const found = await view.paperAt(left, top).catch(() => null);
      if (mine === asked && !fingers.size) onHover(found, left, top);
    }, HOVER_MS);
  }

  async function pick(left, top, within) {
    const found = await view.paperAt(left, top, within).catch(() => null);
    onHover(null);
    onPick(found);
  }

  const keys = {
    ArrowLeft: () => camera.pan(-KEY_STEP, 0),
    ArrowRight: () => camera.pan(KEY_STEP, 0),
    ArrowUp: () => camera.pan(0, -KEY_STEP),
    ArrowDown: () => camera.pan(0, KEY_STEP),
    "+": () => camera.zoomBy(ZOOM_STEP),
    "=": () => camera.zoomBy(ZOOM_STEP),
    "-": () => camera.zoomBy(-ZOOM_STEP),
    0: () => camera.flyTo({ x: 0.5, y: 0.5, zoom: camera.farthest }),
    Enter: () => pick(camera.width / 2, camera.height / 2, 60),
  };
  // Before the keys of the other pages, which pass over what is dealt with.
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey || event.target.closest("dialog")) return;
    if (event.key === "Escape") onLeave();
    const isField = event.target.closest("input, textarea, select, [contenteditable]");
    const isOurs = event.target === canvas || event.target === document.body || event.target.matches("main");
    if (isField || (!isOurs && event.key !== "/")) return;
    if (event.key === "/") {
      event.preventDefault();
      onSearch();
    } else if (Object.hasOwn(keys, event.key) && (event.key !== "Enter" || event.target === canvas)) {
      event.preventDefault();
      keys[event.key]();
      view.moved();
    }
  }, true);
}
