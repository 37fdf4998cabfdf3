// What the map is made of, asked of the server whose page this is.

import { monthOf } from "./panel.js";

const TRIES = 20;

export function serverProvider({ root, index, marks }) {
  let edition = "";

  function query(values) {
    const given = new URLSearchParams(Object.entries(values).filter(([, value]) => value !== null && value !== ""));
    if (index) given.set("index", index);
    return given.toString();
  }
  const ofMonths = ({ from, to }) => ({ from: from === null ? null : monthOf(from), to: to === null ? null : monthOf(to) });

  // Again, while the server says when it is ready: it loads the model for the first text.
  async function ask(url, signal, tries = TRIES) {
    const response = await fetch(url, { signal });
    if (response.status === 503 && tries > 1) {
      await new Promise((resolve) => setTimeout(resolve, 1000 * (Number(response.headers.get("Retry-After")) || 1)));
      return ask(url, signal, tries - 1);
    }
    const record = await response.json();
    if (!response.ok) throw new Error(`${record.error.message}.`);
    return record;
  }
  const get = (path, values = {}, signal = undefined) => ask(`${root}/map/${path}?${query(values)}`, signal);

  return {
    async facts() {
      const found = await get("facts");
      edition = found.edition;
      return found;
    },
    async tile(zoom, x, y, look, signal) {
      const asked = query({ colour: look.colour, on: look.ground, ...ofMonths(look) });
      const response = await fetch(`${root}/map/tile/${edition}/${zoom}/${x}/${y}.png?${asked}`, { signal });
      if (response.status === 404 && (await response.json()).error.type === "OtherMap") location.reload();
      if (!response.ok) throw new Error(`tile ${response.status}`);
      return createImageBitmap(await response.blob());
    },
    near: async (x, y, radius, look) => (await get("near", { x, y, radius, ...ofMonths(look) })).paper,
    papers: (box, look) => get("papers", { ...box, ...ofMonths(look) }),
    card: (id) => get("card", { id }),
    find: async (words) => (await get("find", { q: words })).papers,
    marks: () => ask(marks),
    markUrl: (text) => `${root}/map?${query({ text })}`,
  };
}
