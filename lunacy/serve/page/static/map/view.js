// The map on a canvas: tiles, discs where few papers are in sight, what is marked, and the names of regions.

import { Camera } from "./camera.js";
import { Labels } from "./labels.js";
import { drawDiscs, drawLabels, drawMarks } from "./overlay.js";
import { SOFT, Tiles } from "./tiles.js";

const GLOW = 2; // levels above: of which tiles are the soft ground below the dots
const DISCS_FROM = 0.0; // of zoom beyond the deepest tiles, minus one
const WIDER = 0.35; // of the view, around it, where papers are got too
const REST_MS = 140;

export class MapView {
  constructor(canvas, provider, facts) {
    Object.assign(this, { canvas, provider, facts });
    this.context = canvas.getContext("2d", { alpha: false });
    this.camera = new Camera();
    this.labels = new Labels(facts.regions);
    this.tiles = new Tiles((...given) => provider.tile(...given), () => this.redraw());
    this.marks = { asked: [], hits: [] };
    this.chosen = null; // papers with x and y
    this.hovered = null;
    this.discs = null; // { box, papers, key }
    this.ground = document.createElement("canvas");
    this.onMove = () => {};
    this.last = performance.now();
    this.setLook({ colour: "archive", from: null, to: null });
    new ResizeObserver(() => this.resize()).observe(canvas);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.setLook(this.look));
    this.resize();
    this.camera.set({ x: 0.5, y: 0.5, zoom: this.camera.farthest });
  }

  // What colours stand for, and the months that are shown.
  setLook({ colour, from, to }) {
    const ground = matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
    const style = getComputedStyle(this.canvas);
    this.style = { ground };
    for (const name of ["paper", "ink", "soft", "accent"]) this.style[name] = style.getPropertyValue(`--${name}`).trim();
    this.look = { colour, from, to, ground, key: `${colour} ${ground} ${from} ${to}` };
    this.colours = this.facts.groups.map((group) => group[ground]);
    this.labels.clear();
    this.discs = null;
    this.redraw();
    this.rested();
  }

  setMarks(marks) {
    this.marks = marks;
    this.redraw();
  }

  resize() {
    this.ratio = Math.min(window.devicePixelRatio || 1, 2);
    const { clientWidth, clientHeight } = this.canvas;
    if (!clientWidth || !clientHeight) return;
    const wasWhole = Math.abs(this.camera.zoom - this.camera.farthest) < 0.01;
    Object.assign(this.camera, { width: clientWidth, height: clientHeight });
    this.canvas.width = Math.round(clientWidth * this.ratio);
    this.canvas.height = Math.round(clientHeight * this.ratio);
    this.camera.set(wasWhole ? { ...this.camera, zoom: this.camera.farthest } : this.camera);
    this.draw();
    this.rested();
  }

  redraw() {
    if (this.asked) return;
    this.asked = requestAnimationFrame((now) => {
      this.asked = null;
      this.camera.advance(now, Math.min(now - this.last, 50));
      this.last = now;
      this.draw();
      if (this.camera.isMoving) this.redraw();
    });
  }

  // After each change of the camera from outside.
  moved() {
    if (!this.asked) this.last = performance.now();
    this.redraw();
  }

  draw() {
    const { canvas, context, camera, ratio } = this;
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.fillStyle = this.style.paper;
    context.fillRect(0, 0, canvas.width, canvas.height);
    context.imageSmoothingEnabled = true;
    this.tiles.begin();
    const zoom = this.tileZoom(camera.zoom);
    const hasDiscs = this.discs !== null && contains(this.discs.box, camera.box) && camera.zoom >= this.discs.from;
    const glow = Math.max(zoom - GLOW, 0);
    this.drawGround(glow);
    if (!hasDiscs) this.drawTiles(zoom);
    this.wantTiles();
    if (this.tiles.isBehind) this.redraw();
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    if (hasDiscs) drawDiscs(this);
    drawMarks(this);
    drawLabels(this);
    const key = `${camera.x} ${camera.y} ${camera.zoom}`;
    if (key !== this.seen) {
      this.seen = key;
      this.onMove();
      clearTimeout(this.timer);
      this.timer = setTimeout(() => this.rested(), REST_MS);
    }
    canvas.toggleAttribute("data-begun", this.tiles.kept.size > 0); // for tests and measurements
    canvas.toggleAttribute("data-whole", this.tiles.isWhole && !camera.isMoving);
  }

  tileZoom(zoom) {
    return Math.min(Math.max(Math.round(zoom + Math.log2(this.ratio)), 0), this.facts.deepest);
  }

  drawTiles(zoom) {
    const [left, top, side] = this.grid(zoom);
    for (const [, x, y] of tilesIn(this.camera.box, zoom)) {
      const x0 = Math.round(left + x * side), x1 = Math.round(left + (x + 1) * side);
      const y0 = Math.round(top + y * side), y1 = Math.round(top + (y + 1) * side);
      this.drawTile(zoom, x, y, x0, y0, x1 - x0, y1 - y0);
    }
  }

  // Where on the canvas the tiles of a zoom begin, and the side of one.
  grid(zoom) {
    const { camera, ratio } = this;
    const [left, top] = camera.toScreen(0, 0);
    return [left * ratio, top * ratio, (camera.scale / 2 ** zoom) * ratio];
  }

  // What lies below the dots: the softened tiles, put together first, so that no border between them is seen.
  drawGround(zoom) {
    const places = tilesIn(this.camera.box, zoom);
    if (!places.length) return;
    const [[, x0, y0], [, x1, y1]] = [places[0], places.at(-1)];
    const { ground, context } = this;
    ground.width = (x1 - x0 + 1) * SOFT;
    ground.height = (y1 - y0 + 1) * SOFT;
    const painter = ground.getContext("2d");
    for (const [, x, y] of places) {
      const soft = this.tiles.soft(this.look, zoom, x, y);
      if (soft) painter.drawImage(soft, (x - x0) * SOFT, (y - y0) * SOFT);
    }
    const [left, top, side] = this.grid(zoom);
    context.globalAlpha = this.look.ground === "dark" ? 0.22 : 0.25;
    context.drawImage(ground, left + x0 * side, top + y0 * side, (x1 - x0 + 1) * side, (y1 - y0 + 1) * side);
    context.globalAlpha = 1;
  }

  // The tile, or so long as it is not there the part of a larger one.
  drawTile(zoom, x, y, left, top, width, height) {
    for (let up = 0; up <= Math.min(zoom, 6); up += 1) {
      const bitmap = this.tiles.find(this.look, zoom - up, x >> up, y >> up);
      if (!bitmap) continue;
      const part = this.facts.pixels / 2 ** up;
      this.context.drawImage(bitmap, (x & (2 ** up - 1)) * part, (y & (2 ** up - 1)) * part, part, part, left, top, width, height);
      return;
    }
  }

  wantTiles() {
    const { camera } = this;
    const rest = camera.rest;
    const away = Math.hypot(rest.x - camera.x, rest.y - camera.y) + Math.abs(rest.zoom - camera.zoom);
    const seen = Object.assign(Object.create(Camera.prototype), { ...rest, width: camera.width, height: camera.height });
    const zoom = this.tileZoom(rest.zoom);
    const hasDiscs = this.discs !== null && contains(this.discs.box, seen.box) && rest.zoom >= this.discs.from;
    const glow = Math.max(zoom - GLOW, 0);
    const wanted = [[0, 0, 0]];
    wanted.push(...nearestFirst(tilesIn(seen.box, glow), rest));
    if (!hasDiscs) wanted.push(...nearestFirst(tilesIn(seen.box, zoom), rest));
    if (away > 0.01 && !camera.flight) wanted.push(...nearestFirst(tilesIn(camera.box, this.tileZoom(camera.zoom)), camera));
    this.tiles.want(this.look, wanted);
  }

  // The camera has come to rest: where few papers are in sight, they are got with their titles.
  async rested() {
    const { camera, facts } = this;
    const from = Math.min(facts.deepest + DISCS_FROM, Math.log2(Math.sqrt(facts.papers)) - 3.3);
    if (camera.zoom < from || camera.isMoving) return;
    if (this.discs && contains(this.discs.box, camera.box)) return;
    const box = camera.box;
    const [more, higher] = [(box.right - box.left) * WIDER, (box.bottom - box.top) * WIDER];
    const wide = { left: box.left - more, top: box.top - higher, right: box.right + more, bottom: box.bottom + higher };
    const look = this.look;
    try {
      let got = wide;
      let found = await this.provider.papers(wide, look);
      if (found.n && !found.papers.length) {
        got = box;
        found = await this.provider.papers(box, look);
      }
      if (look !== this.look || (found.n && !found.papers.length)) return;
      this.discs = { box: got, papers: found.papers, from: Math.max(camera.zoom - 0.3, from) };
      this.redraw();
    } catch {
      // the tiles remain
    }
  }

  colourOf(one) {
    if (this.look.colour === "archive") return this.colours[one.group];
    const ramp = this.facts.years[this.look.ground];
    const [first, last] = this.facts.months;
    const part = Math.floor(((one.month - first) * ramp.length) / (last - first + 1));
    return ramp[Math.min(Math.max(part, 0), ramp.length - 1)];
  }

  // The paper that is drawn at a place of the screen, as far as it is known without asking; undefined: ask.
  known(left, top, within) {
    const marked = [...this.marks.asked, ...this.marks.hits, ...(this.chosen ? [this.chosen] : [])];
    const isAll = this.discs !== null && contains(this.discs.box, this.camera.box);
    let best = null;
    let least = within;
    for (const one of isAll ? [...this.discs.papers, ...marked] : marked) {
      const [x, y] = this.camera.toScreen(one.x, one.y);
      const far = Math.hypot(x - left, y - top);
      if (far <= least) [best, least] = [one, far];
    }
    return best ?? (isAll ? null : undefined);
  }

  // The paper at a place of the screen, or null.
  async paperAt(left, top, within = 12) {
    const known = this.known(left, top, within);
    if (known !== undefined) return known;
    const [x, y] = this.camera.toMap(left, top);
    return this.provider.near(x, y, within / this.camera.scale, this.look);
  }
}

function contains(outer, inner) {
  return (outer.left <= Math.max(inner.left, 0) && outer.top <= Math.max(inner.top, 0)
    && outer.right >= Math.min(inner.right, 1) && outer.bottom >= Math.min(inner.bottom, 1));
}

function tilesIn({ left, top, right, bottom }, zoom) {
  const n = 2 ** zoom;
  const found = [];
  for (let y = Math.max(Math.floor(top * n), 0); y <= Math.min(Math.floor(bottom * n), n - 1); y += 1) {
    for (let x = Math.max(Math.floor(left * n), 0); x <= Math.min(Math.floor(right * n), n - 1); x += 1) found.push([zoom, x, y]);
  }
  return found;
}

function nearestFirst(tiles, { x, y }) {
  const far = ([zoom, column, row]) => Math.hypot((column + 0.5) / 2 ** zoom - x, (row + 0.5) / 2 ** zoom - y);
  return tiles.sort((one, other) => far(one) - far(other));
}
