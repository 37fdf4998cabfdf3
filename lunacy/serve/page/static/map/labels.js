// Names of regions, the large ones first; none lies over another. Where they stand depends on the zoom alone, so that
// they stay while one moves.

const SIZES = [19, 15, 13, 12]; // pixels, by level
const OF_LEVEL = [0, 0.4, 1.4, 2.4]; // from how much nearer than the whole map on
const LASTS = 2.4; // how much nearer a name is shown, while there are finer ones
const STEP = 0.25; // of zoom, within which they stay
const GAP = 6; // pixels
const LINE = 1.2; // of the size of the letters
const BROKEN = 20; // characters, from which on a name of two is broken before its "and"
const CELL = 64; // pixels, of the squares by which neighbours are found

export class Labels {
  constructor(regions) {
    this.regions = regions.map(([level, x, y, n, label]) => ({ level, x, y, n, lines: linesOf(label) }));
    this.regions.sort((one, other) => one.level - other.level || other.n - one.n);
    this.deepest = Math.max(0, ...this.regions.map((one) => one.level));
    this.placed = new Map(); // by step of zoom
    this.sprites = new Map();
  }

  clear() { // after a change of colours
    this.sprites.clear();
  }

  // Those to be drawn where the whole map has `scale` pixels, which at the first sight were `whole`.
  at(scale, whole, context) {
    const step = Math.floor(Math.log2(scale / whole) / STEP);
    const key = `${step} ${whole}`;
    if (!this.placed.has(key)) this.placed.set(key, this.place(whole * 2 ** (step * STEP), step * STEP, context));
    return this.placed.get(key);
  }

  place(scale, nearer, context) {
    const taken = new Map();
    const found = [];
    for (const one of this.regions) {
      const level = Math.min(one.level, SIZES.length - 1);
      const from = OF_LEVEL[level] + Math.max(0, one.level - level);
      const isPast = one.level < this.deepest && nearer > from + LASTS;
      if (nearer < from || isPast) continue;
      if (isFree(taken, this.box(one, scale, context))) found.push(one);
    }
    return found;
  }

  // The rectangle of a name where the whole map has `scale` pixels.
  box(one, scale, context) {
    const size = SIZES[Math.min(one.level, SIZES.length - 1)];
    const half = this.width(one, size, context) / 2 + GAP;
    const high = (size * (0.2 + LINE * one.lines.length) + GAP) / 2;
    return [one.x * scale - half, one.y * scale - high, one.x * scale + half, one.y * scale + high];
  }

  width(one, size, context) {
    if (one.width === undefined) {
      context.font = font(one.level, size);
      one.width = Math.max(...one.lines.map((line) => context.measureText(line).width));
    }
    return one.width;
  }

  // A name as a picture, which is far quicker to draw than letters with a border.
  sprite(one, style, ratio) {
    const key = `${one.level} ${one.lines} ${style.ground} ${ratio}`;
    if (!this.sprites.has(key)) {
      const size = SIZES[Math.min(one.level, SIZES.length - 1)];
      const canvas = document.createElement("canvas");
      let context = canvas.getContext("2d");
      const width = Math.ceil(this.width(one, size, context)) + 10;
      const height = size * (0.4 + LINE * one.lines.length) + 6;
      canvas.width = width * ratio;
      canvas.height = Math.ceil(height * ratio);
      context = canvas.getContext("2d");
      context.scale(ratio, ratio);
      context.font = font(one.level, size);
      context.textAlign = "center";
      context.textBaseline = "middle";
      context.lineJoin = "round";
      context.lineWidth = 4;
      context.strokeStyle = style.paper;
      context.fillStyle = one.level === 0 ? style.ink : style.soft;
      for (const [n, line] of one.lines.entries()) {
        const top = height / 2 + size * LINE * (n - (one.lines.length - 1) / 2);
        context.globalAlpha = 0.85;
        context.strokeText(line, width / 2, top);
        context.globalAlpha = 1;
        context.fillText(line, width / 2, top);
      }
      this.sprites.set(key, { canvas, width, height });
    }
    return this.sprites.get(key);
  }
}

function linesOf(label) {
  const [before, ...after] = label.split(" and ");
  return label.length > BROKEN && after.length ? [before, `and ${after.join(" and ")}`] : [label];
}

const LONGEST = 46; // characters of a title beside its paper

// Titles beside papers, as far as they lie neither over each other nor over another paper or a name, whose rectangles are
// `names`; kept for a step of zoom.
export function titlesThatFit(discs, names, zoom, scale, radius, context) {
  const step = Math.floor(zoom / STEP);
  if (discs.step === step) return discs.titles;
  const taken = new Map();
  for (const box of names) isFree(taken, box);
  for (const one of discs.papers) isFree(taken, around(one, scale, radius));
  discs.step = step;
  discs.titles = [];
  for (const one of discs.papers) {
    const text = one.title.length > LONGEST ? `${one.title.slice(0, LONGEST).replace(/\s+\S*$/, "")} …` : one.title;
    const left = one.x * scale + radius + 3;
    const box = [left, one.y * scale - 8, left + context.measureText(text).width + GAP, one.y * scale + 8];
    if (isFree(taken, box)) discs.titles.push({ one, text });
  }
  return discs.titles;
}

function around(one, scale, radius) {
  return [one.x * scale - radius, one.y * scale - radius, one.x * scale + radius, one.y * scale + radius];
}

function font(level, size) {
  return `${level < 2 ? 600 : 500} ${size}px system-ui, -apple-system, "Segoe UI", "Noto Sans", "Liberation Sans", sans-serif`;
}

function isFree(taken, box) {
  const cells = [];
  for (let x = Math.floor(box[0] / CELL); x <= box[2] / CELL; x += 1) {
    for (let y = Math.floor(box[1] / CELL); y <= box[3] / CELL; y += 1) cells.push(x * 2 ** 24 + y);
  }
  for (const cell of cells) {
    for (const [left, top, right, bottom] of taken.get(cell) ?? []) {
      if (box[0] < right && box[2] > left && box[1] < bottom && box[3] > top) return false;
    }
  }
  for (const cell of cells) {
    if (!taken.has(cell)) taken.set(cell, []);
    taken.get(cell).push(box);
  }
  return true;
}
