// The map in `host`: the view, what stands over it, and its state in the address, so that one can link to it and go back.

import { listen } from "./input.js";
import { cardOf, count, legend, make, monthIn, monthOf, searchBox } from "./panel.js";
import { MapView } from "./view.js";

const NARROW = 768; // pixels, as map.css has it
const COVERED = 0.45; // of the height, by a card
const BESIDE = 40; // papers in sight, about, where one lands beside one

export async function openMap(host, provider, { marks: hasMarks = false, at = "" } = {}) {
  const facts = await provider.facts();
  const canvas = make("canvas", {
    id: "canvas", tabindex: "0", role: "application", "aria-roledescription": "map",
    "aria-label": `Map of ${count(facts.papers)}. Arrow keys move it, plus and minus zoom, 0 shows all, Enter opens the paper in the middle, slash searches.`,
  });
  const tip = make("div", { id: "tip", hidden: true });
  const status = make("p", { class: "unseen", role: "status" });
  const say = (words) => { status.textContent = words; };
  const side = make("div", { id: "side" });
  const marked = make("div", { id: "marked", hidden: true });
  const tools = make(
    "div",
    { id: "tools", role: "group", "aria-label": "Zoom" },
    ...[["+", "Nearer", 0.9], ["−", "Farther", -0.9]].map(([sign, label, step]) => make("button", {
      type: "button", "aria-label": label, onclick: () => { view.camera.zoomBy(step); view.moved(); },
    }, sign)),
    make("button", { type: "button", "aria-label": "The whole map", onclick: () => fly({ x: 0.5, y: 0.5, zoom: view.camera.farthest }) }, "⤢"),
  );
  host.replaceChildren(canvas, tools, tip, side, marked, status);
  host.hidden = false;
  const view = new MapView(canvas, provider, facts);
  let key = null; // the legend
  let open = ""; // the paper whose card is open

  // The address: `replace` while one moves, `push` where "back" should lead

  function address() {
    const { x, y, zoom } = view.camera.rest;
    const given = new URLSearchParams({ x: x.toFixed(5), y: y.toFixed(5), z: zoom.toFixed(2) });
    if (open) given.set("paper", open);
    if (view.look.colour !== "archive") given.set("colour", view.look.colour);
    for (const name of ["from", "to"]) if (view.look[name] !== null) given.set(name, monthOf(view.look[name]));
    return `#${given.toString().replaceAll("%2F", "/")}`;
  }
  let timer = 0;
  function keep(isNew = false) {
    clearTimeout(timer);
    if (isNew) history.pushState(null, "", address());
    else timer = setTimeout(() => history.replaceState(null, "", address()), 250);
  }
  view.onMove = () => { tip.hidden = true; keep(); };

  function fly(place) {
    view.camera.flyTo(place);
    view.moved();
    keep();
  }

  const beside = () => Math.log2(Math.sqrt((facts.papers * view.camera.width * view.camera.height) / BESIDE) / facts.pixels);

  function setLook(look) {
    view.setLook({ colour: view.look.colour, from: view.look.from, to: view.look.to, ...look });
    showLegend();
    keep();
  }

  function showLegend() {
    const wasOpen = key?.open;
    const focused = document.activeElement?.id || document.activeElement?.value;
    const shown = legend({
      facts, look: view.look, ground: view.look.ground,
      onColour: (colour) => setLook({ colour }),
      onMonths: (from, to) => { view.setLook({ ...view.look, from, to }); keep(); },
    });
    if (key) shown.open = wasOpen;
    if (key) key.replaceWith(shown);
    else host.append(shown);
    key = shown;
    if (focused) [...shown.querySelectorAll("input")].find((one) => one.id === focused || one.value === focused)?.focus();
  }
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => setTimeout(showLegend));

  // Papers

  function hover(paper, left, top) {
    view.hovered = paper;
    canvas.classList.toggle("over", Boolean(paper));
    tip.hidden = !paper || left === undefined;
    if (!tip.hidden) {
      tip.textContent = paper.title;
      tip.style.left = `${Math.min(Math.max(left, 90), host.clientWidth - 170)}px`;
      tip.style.top = `${top + 18}px`;
    }
    view.redraw();
  }

  function closeCard(isNew = true) {
    if (!open) return;
    open = "";
    side.replaceChildren();
    view.chosen = null;
    view.redraw();
    if (isNew) keep(true);
  }

  // `isFlown`: go there; `isNew`: a step that "back" undoes.
  async function openCard(id, { isFlown = true, isNew = true, place = null } = {}) {
    open = id;
    if (place) goTo(place, isFlown);
    let record;
    try {
      record = await provider.card(id);
    } catch (error) {
      say(error.message);
      side.replaceChildren(make("article", { id: "card", tabindex: "-1" }, make("button", { type: "button", class: "close", "aria-label": "Close", onclick: () => closeCard() }, "×"), make("p", {}, error.message)));
      return;
    }
    if (open !== id) return;
    const isThere = record.x !== undefined;
    if (isThere && !place) goTo(record, isFlown);
    const card = cardOf(record, {
      colour: isThere ? view.colourOf(record) : "transparent",
      onClose: () => { closeCard(); canvas.focus(); },
      onPaper: (one) => openCard(one.id, { place: one.x === undefined ? null : one }),
      onHover: (one) => hover(one),
    });
    side.replaceChildren(card);
    if (isNew) {
      keep(true);
      card.focus({ preventScroll: true });
    }
    say(isThere ? record.title : `${record.title} is not on the map.`);
  }

  function goTo(place, isFlown) {
    view.chosen = place;
    const zoom = Math.max(view.camera.zoom, beside());
    const hidden = view.camera.width < NARROW ? COVERED * view.camera.height : 0; // by the card, at the bottom
    if (isFlown) fly({ x: place.x, y: place.y + hidden / 2 / (facts.pixels * 2 ** zoom), zoom });
    else view.redraw();
  }

  const search = searchBox({
    find: (query) => provider.find(query),
    markUrl: provider.markUrl,
    regions: facts.regions,
    onPaper: (one) => openCard(one.id, { place: one }),
    onRegion: ([level, x, y]) => { fly({ x, y, zoom: view.camera.farthest + 1.6 + level }); keep(true); },
    say,
  });
  host.prepend(search.form);

  listen(view, {
    onHover: hover,
    onPick: (paper) => { if (paper) openCard(paper.id, { isFlown: false, place: paper }); else closeCard(); },
    onSearch: () => { search.field.focus(); search.field.select(); },
    onLeave: () => { if (search.form.contains(document.activeElement)) { search.close(); canvas.focus(); } else closeCard(); },
  });

  // What the address says

  async function restore(isFirst) {
    const given = new URLSearchParams(location.hash.slice(1));
    const look = { colour: given.get("colour") === "year" ? "year" : "archive", from: monthIn(given.get("from")), to: monthIn(given.get("to")) };
    if (look.colour !== view.look.colour || look.from !== view.look.from || look.to !== view.look.to) view.setLook(look);
    showLegend();
    const place = ["x", "y", "z"].map((name) => Number.parseFloat(given.get(name)));
    const isPlaced = place.every(Number.isFinite);
    if (isPlaced) {
      view.camera.stop();
      view.camera.set({ x: place[0], y: place[1], zoom: place[2] });
      view.moved();
    }
    const paper = given.get("paper") ?? (isFirst ? at : "");
    if (paper && paper !== open) await openCard(paper, { isFlown: !isPlaced, isNew: false });
    else if (!paper) closeCard(false);
    return isPlaced || Boolean(paper);
  }
  addEventListener("popstate", () => restore(false));
  const isRestored = await restore(true);
  for (const link of document.querySelectorAll("#regions a[data-x]")) {
    link.addEventListener("click", (event) => {
      if (event.ctrlKey || event.metaKey || event.shiftKey) return;
      event.preventDefault();
      fly({ x: Number(link.dataset.x), y: Number(link.dataset.y), zoom: view.camera.farthest + 1.6 + Number(link.dataset.level) });
      host.scrollIntoView({ block: "end" });
      canvas.focus({ preventScroll: true });
    });
  }
  if (hasMarks) await showMarks(isRestored);

  async function showMarks(isThere) {
    let found;
    marked.replaceChildren(make("p", {}, "Looking for papers to mark …"));
    marked.hidden = false;
    try {
      found = await provider.marks();
    } catch (error) {
      marked.replaceChildren(make("p", {}, error.message));
      marked.hidden = false;
      return;
    }
    view.setMarks(found);
    const all = [...found.asked, ...found.hits];
    const item = (one) => make("li", {}, make("button", { type: "button", onclick: () => openCard(one.id, { place: one }), onpointerenter: () => hover(one), onpointerleave: () => hover(null) }, one.title));
    const { stands } = found;
    const star = () => make("p", {}, "★ ", make("button", { type: "button", onclick: () => fly({ ...stands, zoom: beside() - 1 }) }, "Where the text stands"));
    marked.replaceChildren(
      ...(stands ? [star()] : []),
      make("details", {}, make("summary", {}, `${count(all.length)} marked`), make("ol", {}, ...all.map(item))),
    );
    marked.hidden = false;
    say(`${count(all.length)} marked on the map.`);
    if (!isThere && all.length) {
      const around = view.camera.around(most(stands ? [...all, ...Array(all.length).fill(stands)] : all));
      fly({ ...around, zoom: Math.min(around.zoom, beside()) });
    }
  }
  return view;
}

// The rectangle in which most papers lie, without those that are far from the others.
function most(papers) {
  const [xs, ys] = ["x", "y"].map((axis) => papers.map((one) => one[axis]).sort((one, other) => one - other));
  const cut = Math.floor(papers.length * 0.12);
  return { left: xs[cut], right: xs.at(-1 - cut), top: ys[cut], bottom: ys.at(-1 - cut) };
}
