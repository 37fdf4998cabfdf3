// What the map is made of, out of the file that holds it: the points at once, titles and authors when they are wanted.

const NEAREST_SHOWN = 8;
const FOUND = 8;
const IN_BOX = 1000;

export function fileProvider() {
  let known = null; // the facts
  let points = null;
  let texts = null; // a promise of all lines

  async function unpack(id) {
    const packed = atob(document.getElementById(id).textContent);
    const bytes = new Uint8Array(packed.length);
    for (let n = 0; n < packed.length; n += 1) bytes[n] = packed.charCodeAt(n);
    return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"))).arrayBuffer();
  }

  async function readPoints(n) {
    const content = await unpack("points");
    const [x, y, category, month] = [0, 1, 2, 3].map((place) => new Uint16Array(content, 2 * n * place, n));
    return { x, y, category, month, group: new Uint8Array(content, 8 * n, n), n };
  }

  // Lines are kept as they are, for an object a paper would take several times the memory.
  function allTexts() {
    texts ??= (async () => {
      const lines = [];
      for (let chunk = 0; chunk * known.chunk < known.papers; chunk += 1) {
        const text = new TextDecoder().decode(await unpack(`texts-${chunk}`));
        for (const line of text.split("\n")) lines.push(line);
      }
      return lines;
    })();
    return texts;
  }

  async function paper(place) {
    const [id, title] = (await allTexts())[place].split("\t");
    const { x, y, group, month } = points;
    return { id, title: title || id, place, x: (x[place] + 0.5) / 65536, y: (y[place] + 0.5) / 65536, group: group[place], month: month[place] };
  }

  const isShown = (place, { from, to }) => (from === null || points.month[place] >= from) && (to === null || (points.month[place] > 0 && points.month[place] <= to));

  async function placeOf(id) {
    return (await allTexts()).findIndex((line) => line.startsWith(`${id}\t`));
  }

  return {
    async facts() {
      known = JSON.parse(document.getElementById("facts").textContent);
      points = await readPoints(known.papers);
      setTimeout(allTexts, 1500);
      return known;
    },

    tile: async (zoom, x, y, look) => createImageBitmap(drawTile(known, points, zoom, x, y, look, isShown)),

    async near(x, y, radius, look) {
      const [best] = nearestTo(points, x, y, 1, (place) => isShown(place, look));
      if (best === undefined) return null;
      const found = await paper(best);
      return Math.hypot(found.x - x, found.y - y) <= radius ? found : null;
    },

    async papers({ left, top, right, bottom }, look) {
      const found = [];
      for (let place = 0; place < points.n; place += 1) {
        const [x, y] = [points.x[place] / 65536, points.y[place] / 65536];
        if (x >= left && x <= right && y >= top && y <= bottom && isShown(place, look)) found.push(place);
      }
      return { n: found.length, papers: found.length > IN_BOX ? [] : await Promise.all(found.map(paper)) };
    },

    async card(id) {
      const place = await placeOf(id);
      if (place < 0) throw new Error(`${id} is not on this map.`);
      const one = await paper(place);
      const month = points.month[place];
      const others = nearestTo(points, one.x, one.y, NEAREST_SHOWN + 1, () => true).filter((other) => other !== place);
      return {
        ...one,
        authors: (await allTexts())[place].split("\t")[2],
        posted: month ? `${Math.floor(month / 12)}-${String((month % 12) + 1).padStart(2, "0")}` : "",
        categories: [known.categories[points.category[place]]].filter(Boolean),
        url: /^([a-z-]+\/\d{7}|\d{4}\.\d{4,5})$/.test(id) ? `https://arxiv.org/abs/${id}` : "",
        near: await Promise.all(others.slice(0, NEAREST_SHOWN).map(paper)),
        nearBy: "Nearest on the map",
      };
    },

    // By id, or by words that are all in the title: those that begin with them first, then the short ones.
    async find(query) {
      const lines = await allTexts();
      const id = /([a-z-]+\/\d{7}|\d{4}\.\d{4,5})(v\d+)?$/.exec(query.trim())?.[1];
      if (id) {
        const place = await placeOf(id);
        if (place >= 0) return [await paper(place)];
      }
      const words = query.toLowerCase().split(/\s+/).filter(Boolean);
      const found = [];
      lines.forEach((line, place) => {
        const start = line.indexOf("\t") + 1;
        const title = line.slice(start, line.indexOf("\t", start)).toLowerCase();
        if (!words.every((word) => title.includes(word))) return;
        const isFirst = title.startsWith(query.trim().toLowerCase());
        found.push([isFirst ? 0 : 1, title.length, place]);
      });
      found.sort((one, other) => one[0] - other[0] || one[1] - other[1]);
      return Promise.all(found.slice(0, FOUND).map(([, , place]) => paper(place)));
    },

    async marks() {
      const places = await Promise.all(known.marks.asked.map(placeOf));
      const asked = await Promise.all(places.filter((place) => place >= 0).map(paper));
      return { asked, hits: [], stands: known.marks.stands };
    },
  };
}

// The `n` papers nearest to a place, the nearest first.
function nearestTo(points, x, y, n, isWanted) {
  const best = [];
  const [middleX, middleY] = [x * 65536 - 0.5, y * 65536 - 0.5];
  let worst = Infinity;
  for (let place = 0; place < points.n; place += 1) {
    const far = (points.x[place] - middleX) ** 2 + (points.y[place] - middleY) ** 2;
    if (far >= worst || !isWanted(place)) continue;
    best.push([far, place]);
    if (best.length > n) {
      best.sort((one, other) => one[0] - other[0]);
      best.pop();
    }
    if (best.length === n) worst = Math.max(...best.map(([distance]) => distance));
  }
  return best.sort((one, other) => one[0] - other[0]).map(([, place]) => place);
}

const DOTS = {
  0: { edges: [], middles: [[0, 0]] },
  1: { edges: [[1, 0], [-1, 0], [0, 1], [0, -1]], middles: [[0, 0]] },
  2: { edges: [[1, 1], [1, -1], [-1, 1], [-1, -1]], middles: [[1, 0], [-1, 0], [0, 1], [0, -1], [0, 0]] },
};

// As lunacy/draw/tile.py draws it: papers of one pixel stand in a row.
function drawTile(known, points, zoom, column, row, look, isShown) {
  const side = known.pixels;
  const shift = known.deepest - zoom;
  const [left, top] = [column * side, row * side];
  const [radius, ...levels] = known.inks[zoom];
  const drawn = known.drawn[look.colour][look.ground];
  const [firstMonth, lastMonth] = known.months;
  const kindOf = (place) => {
    if (look.colour === "archive") return points.group[place];
    const part = Math.floor(((points.month[place] - firstMonth) * drawn.length) / (lastMonth - firstMonth + 1));
    return Math.min(Math.max(part, 0), drawn.length - 1);
  };

  const dots = []; // x, y, kind, level
  let pixel = []; // the places of its papers
  let at = [-1, -1];
  const end = () => {
    if (!pixel.length) return;
    const [x, y] = at;
    const picked = pixel[(known.bayer[y & 3][x & 3] * pixel.length) >> 4];
    dots.push([x, y, kindOf(picked), levels[Math.min(pixel.length, levels.length) - 1]]);
  };
  const isAll = look.from === null && look.to === null;
  for (let place = 0; place < points.n; place += 1) {
    const x = (points.x[place] >> shift) - left;
    const y = (points.y[place] >> shift) - top;
    if (x < 0 || y < 0 || x >= side || y >= side || !(isAll || isShown(place, look))) continue;
    if (x !== at[0] || y !== at[1]) {
      end();
      at = [x, y];
      pixel = [];
    }
    pixel.push(place);
  }
  end();

  const image = new ImageData(side, side);
  const paint = ([x, y, kind], level, offsets) => {
    const inside = (one) => Math.min(Math.max(one, radius), side - 1 - radius);
    for (const [right, down] of offsets) {
      const pixelAt = 4 * ((inside(y) + down) * side + inside(x) + right);
      image.data.set(drawn[kind], pixelAt);
      image.data[pixelAt + 3] = Math.floor((level * 255) / known.levels);
    }
  };
  for (const dot of dots) paint(dot, Math.ceil(dot[3] * known.edge), DOTS[radius].edges);
  for (const dot of dots) paint(dot, dot[3], DOTS[radius].middles);
  return image;
}
