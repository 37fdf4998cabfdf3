// Tiles of the map as pictures, got when they are wanted and kept for a while. `get(zoom, x, y, look, signal)` gives a
// promise of an ImageBitmap.

const MOST = 80; // pictures of a megabyte each, in the memory of the browser
const NEW_A_FRAME = 1;
const TOGETHER = 4; // requests at a time
export const SOFT = 64; // pixels of a side of a tile without its dots

export class Tiles {
  constructor(get, onLoad) {
    this.get = get;
    this.onLoad = onLoad;
    this.kept = new Map(); // "look zoom x y" -> { bitmap, used }
    this.waiting = new Map(); // the same -> AbortController
    this.failed = new Set();
    this.wanted = [];
    this.clock = 0;
  }

  // A picture that is drawn for the first time takes a browser a while, so that each frame has a few of them.
  begin() {
    this.left = NEW_A_FRAME;
    this.isBehind = false; // whether there are some that the next frame has to draw
  }

  find(look, zoom, x, y) {
    const one = this.known(look, zoom, x, y);
    if (!one || !this.mayDraw(one.isDrawn)) return undefined;
    one.isDrawn = true;
    return one.bitmap;
  }

  // The same without its dots: how full and of which colours each part of it is.
  soft(look, zoom, x, y) {
    const one = this.known(look, zoom, x, y);
    if (!one || !this.mayDraw(one.soft)) return undefined;
    one.soft ??= softened(one.bitmap);
    return one.soft;
  }

  known(look, zoom, x, y) {
    const one = this.kept.get(`${look.key} ${zoom} ${x} ${y}`);
    if (one) one.used = this.clock;
    return one;
  }

  // Whether this frame may draw what was drawn before, or is new.
  mayDraw(isOld) {
    if (isOld) return true;
    if (this.left === 0) {
      this.isBehind = true;
      return false;
    }
    this.left -= 1;
    return true;
  }

  // Get those that are not there, the first of the list first, and let go of what nobody wants any more.
  want(look, places) {
    this.clock += 1;
    this.wanted = places.map(([zoom, x, y]) => ({ key: `${look.key} ${zoom} ${x} ${y}`, zoom, x, y, look }));
    const keys = new Set(this.wanted.map((one) => one.key));
    for (const [key, controller] of this.waiting) {
      if (!keys.has(key)) controller.abort();
    }
    this.next();
  }

  next() {
    for (const one of this.wanted) {
      if (this.waiting.size >= TOGETHER) return;
      if (!this.kept.has(one.key) && !this.waiting.has(one.key) && !this.failed.has(one.key)) this.load(one);
    }
  }

  async load({ key, zoom, x, y, look }) {
    const controller = new AbortController();
    this.waiting.set(key, controller);
    try {
      const bitmap = await this.get(zoom, x, y, look, controller.signal);
      this.kept.set(key, { bitmap, used: this.clock });
      this.forget();
      this.onLoad();
    } catch (error) {
      if (error.name !== "AbortError") {
        this.failed.add(key);
        setTimeout(() => this.failed.delete(key), 5000);
      }
    } finally {
      this.waiting.delete(key);
      this.next();
    }
  }

  get isWhole() { return !this.isBehind && this.wanted.length > 0 && this.wanted.every((one) => this.kept.has(one.key)); }

  forget() {
    if (this.kept.size <= MOST) return;
    const [oldest, { bitmap }] = [...this.kept].reduce((one, other) => (other[1].used < one[1].used ? other : one));
    bitmap.close();
    this.kept.delete(oldest);
  }
}

const DOUBLED = 3; // times: dots that are scaled down so far are faint

function softened(bitmap) {
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = SOFT;
  const context = canvas.getContext("2d");
  context.imageSmoothingQuality = "high";
  context.drawImage(bitmap, 0, 0, SOFT, SOFT);
  for (let n = 0; n < DOUBLED; n += 1) context.drawImage(canvas, 0, 0);
  return canvas;
}
