// Which part of the map is seen: its middle, x and y from 0 to 1, and the zoom, at which the map is 512 * 2^zoom wide.

const SIDE = 512;
const NEAREST = 15;
const CURVE = 1.3; // of flights: how far one goes up between far places (van Wijk and Nuij, 2003)
const EASE_MS = 90;

export class Camera {
  constructor() {
    Object.assign(this, { x: 0.5, y: 0.5, zoom: 0, width: 1, height: 1 });
    this.goal = null; // of a zoom that is under way: a zoom, and the place that stays where it is
    this.flight = null;
    this.isStill = matchMedia("(prefers-reduced-motion: reduce)");
  }

  get scale() { return SIDE * 2 ** this.zoom; }
  get whole() { return Math.min(this.width, this.height) * 0.96; }
  get farthest() { return Math.log2(this.whole / SIDE); }
  get isMoving() { return Boolean(this.goal || this.flight); }

  toScreen(x, y) { return [(x - this.x) * this.scale + this.width / 2, (y - this.y) * this.scale + this.height / 2]; }
  toMap(left, top) { return [(left - this.width / 2) / this.scale + this.x, (top - this.height / 2) / this.scale + this.y]; }

  get box() {
    const [left, top] = this.toMap(0, 0);
    const [right, bottom] = this.toMap(this.width, this.height);
    return { left, top, right, bottom };
  }

  set({ x, y, zoom }) {
    this.zoom = Math.min(Math.max(zoom, this.farthest - 0.4), NEAREST);
    this.x = Math.min(Math.max(x, 0), 1);
    this.y = Math.min(Math.max(y, 0), 1);
  }

  stop() { this.goal = this.flight = null; }

  pan(right, down) {
    this.stop();
    this.set({ x: this.x + right / this.scale, y: this.y + down / this.scale, zoom: this.zoom });
  }

  // So that the place at (left, top) of the screen stays there.
  zoomAt(zoom, left, top) {
    const [x, y] = this.toMap(left, top);
    this.set({ x: this.x, y: this.y, zoom });
    this.set({ x: x - (left - this.width / 2) / this.scale, y: y - (top - this.height / 2) / this.scale, zoom: this.zoom });
  }

  zoomBy(step, left = this.width / 2, top = this.height / 2) {
    this.flight = null;
    const zoom = Math.min(Math.max((this.goal?.zoom ?? this.zoom) + step, this.farthest - 0.4), NEAREST);
    if (this.isStill.matches) this.zoomAt(zoom, left, top);
    else this.goal = { zoom, left, top };
  }

  // The zoom at which a rectangle is seen whole.
  around({ left, top, right, bottom }) {
    const side = Math.max((right - left) / this.width, (bottom - top) / this.height, 1e-9);
    return { x: (left + right) / 2, y: (top + bottom) / 2, zoom: Math.log2(0.8 / side / SIDE) };
  }

  // Over there, up and down again on the way; at once for whoever wants no motion.
  flyTo(place) {
    this.stop();
    const end = { x: place.x, y: place.y, zoom: Math.min(Math.max(place.zoom, this.farthest), NEAREST) };
    if (this.isStill.matches) {
      this.set(end);
      return;
    }
    const [w0, w1] = [this.zoom, end.zoom].map((zoom) => this.width / (SIDE * 2 ** zoom)); // of the view, on the map
    const far = Math.max(Math.hypot(end.x - this.x, end.y - this.y), 1e-9);
    const start = { x: this.x, y: this.y };
    const b = (w, sign) => (w1 ** 2 - w0 ** 2 + sign * CURVE ** 4 * far ** 2) / (2 * w * CURVE ** 2 * far);
    const [r0, r1] = [b(w0, 1), b(w1, -1)].map((one) => Math.log(Math.sqrt(one ** 2 + 1) - one));
    const length = (r1 - r0) / CURVE;
    const isNear = far < 1e-6 || !Number.isFinite(length);
    const at = (part) => {
      if (isNear) return { ...end, zoom: Math.log2(this.width / (w0 * (w1 / w0) ** part) / SIDE) };
      const s = part * length;
      const moved = (w0 / CURVE ** 2) * (Math.cosh(r0) * Math.tanh(CURVE * s + r0) - Math.sinh(r0));
      const w = (w0 * Math.cosh(r0)) / Math.cosh(CURVE * s + r0);
      const share = moved / far;
      return { x: start.x + (end.x - start.x) * share, y: start.y + (end.y - start.y) * share, zoom: Math.log2(this.width / w / SIDE) };
    };
    this.flight = { at, end, begun: null, lasts: Math.min(Math.max(Math.abs(length) * 420, 350), 2200) };
  }

  // Where it will be when it rests.
  get rest() { return this.flight?.end ?? { x: this.x, y: this.y, zoom: this.goal?.zoom ?? this.zoom }; }

  // A step of what is under way; `passed` milliseconds after the last.
  advance(now, passed) {
    if (this.flight) {
      this.flight.begun ??= now;
      const part = Math.min((now - this.flight.begun) / this.flight.lasts, 1);
      const eased = part * part * (3 - 2 * part);
      this.set(part === 1 ? this.flight.end : this.flight.at(eased));
      if (part === 1) this.flight = null;
    } else if (this.goal) {
      const { zoom, left, top } = this.goal;
      const left_over = zoom - this.zoom;
      const isThere = Math.abs(left_over) < 0.002;
      this.zoomAt(isThere ? zoom : this.zoom + left_over * (1 - Math.exp(-passed / EASE_MS)), left, top);
      if (isThere) this.goal = null;
    }
  }
}
