// What stands over the map: search, card, legend, months, and what is said to those who do not see it.

const SEARCH_MS = 180;

// An element; `children` are elements or texts, which are never markup.
export function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value !== false && value !== null) element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children);
  return element;
}

export const count = (n) => `${n.toLocaleString("en")} ${n === 1 ? "paper" : "papers"}`;
const MONTHS = "January February March April May June July August September October November December".split(" ");

export const dayOf = (date) => {
  const [year, month, day] = date.split("-");
  return [day && String(Number(day)), month && MONTHS[month - 1], year].filter(Boolean).join(" ");
};
export const monthOf = (n) => `${String(Math.floor(n / 12)).padStart(4, "0")}-${String((n % 12) + 1).padStart(2, "0")}`;
export const monthIn = (text) => {
  const match = /^(\d{4})-(\d\d)$/.exec(text ?? "");
  return match ? Number(match[1]) * 12 + Number(match[2]) - 1 : null;
};

export function searchBox({ find, markUrl, onPaper, onRegion, regions, say }) {
  const list = make("ul", { id: "found", hidden: true });
  const field = make("input", {
    id: "find", type: "search", placeholder: "Find a paper or a region", "aria-label": "Find a paper or a region",
    autocomplete: "off", spellcheck: "false", maxlength: 500,
  });
  const form = make("form", { id: "search", role: "search" }, field, list);
  let timer = 0;
  let asked = 0;

  const close = () => { list.hidden = true; };
  const choose = (go) => () => { close(); field.blur(); go(); };
  const row = (title, detail, go) => make("li", {}, make("button", { type: "button", onclick: choose(go) }, make("span", {}, title), make("small", {}, detail)));

  function inRegions(query) {
    const words = query.toLowerCase();
    const found = regions.filter(([, , , , label, terms]) => `${label} ${terms}`.toLowerCase().includes(words));
    return found.sort((one, other) => one[0] - other[0] || other[3] - one[3]).slice(0, 3);
  }

  async function look(isSubmitted) {
    const query = field.value.trim();
    const mine = ++asked;
    if (!query) return close();
    try {
      const [papers, near] = [await find(query), query.length > 2 ? inRegions(query) : []];
      if (mine !== asked) return undefined;
      if (isSubmitted && papers.length && (papers.length === 1 || !near.length)) return choose(() => onPaper(papers[0]))();
      if (isSubmitted && near.length) return choose(() => onRegion(near[0]))();
      list.replaceChildren(
        ...near.map((one) => row(one[4], `region, ${count(one[3])}`, () => onRegion(one))),
        ...papers.map((one) => row(one.title, one.id, () => onPaper(one))),
      );
      if (markUrl && query.includes(" ")) list.append(make("li", {}, make("a", { href: markUrl(query) }, "Mark the papers that are most similar to these words")));
      else if (!papers.length && !near.length) list.append(make("li", { class: "none" }, "Nothing is found."));
      list.hidden = false;
      say(`${papers.length + near.length} found.`);
    } catch (error) {
      if (mine === asked) {
        list.replaceChildren(make("li", { class: "none" }, error.message));
        list.hidden = false;
      }
    }
    return undefined;
  }

  field.addEventListener("input", () => { clearTimeout(timer); timer = setTimeout(() => look(false), SEARCH_MS); });
  form.addEventListener("submit", (event) => { event.preventDefault(); clearTimeout(timer); look(true); });
  form.addEventListener("keydown", (event) => {
    const buttons = [...list.querySelectorAll("button, a")];
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!step || list.hidden || !buttons.length) return;
    event.preventDefault();
    const next = buttons.indexOf(document.activeElement) + step;
    (buttons[next] ?? field).focus();
  });
  form.addEventListener("focusout", (event) => { if (!form.contains(event.relatedTarget)) setTimeout(close, 150); });
  return { form, field, close };
}

export function cardOf(record, { colour, onClose, onPaper, onHover }) {
  const facts = [record.posted && dayOf(record.posted), record.categories.join(" "), record.withdrawn && "withdrawn"].filter(Boolean);
  const dot = make("span", { class: "dot", "aria-hidden": "true" });
  dot.style.background = colour;
  const card = make(
    "article",
    { id: "card", "aria-labelledby": "card-title", tabindex: "-1" },
    make("button", { type: "button", class: "close", "aria-label": "Close", onclick: onClose }, "×"),
    make("h2", { id: "card-title" }, record.title),
    make("p", { class: "people" }, record.authors),
    make("p", { class: "facts" }, dot, facts.join(" · ")),
  );
  const links = make("p", { class: "links" });
  if (record.url) links.append(make("a", { href: record.url, rel: "noreferrer" }, `arXiv:${record.id}`), " ");
  if (record.similar) links.append(make("a", { href: record.similar }, "Similar papers"));
  if (record.marks) links.append(make("a", { href: record.marks }, "Mark these here"));
  card.append(links);
  if (record.abstract) card.append(make("details", {}, make("summary", {}, "Abstract"), make("p", {}, record.abstract)));
  if (record.near.length) {
    const item = (one) => make("li", {}, make(
      "button",
      { type: "button", onclick: () => onPaper(one), onpointerenter: () => onHover(one), onpointerleave: () => onHover(null) },
      one.title,
    ));
    card.append(make("h3", {}, record.nearBy ?? "Most similar"), make("ol", {}, ...record.near.map(item)));
  }
  return card;
}

export function legend({ facts, look, ground, onColour, onMonths }) {
  const isYear = look.colour === "year";
  const choice = (name, words) => {
    const input = make("input", { type: "radio", name: "colour", value: name, checked: look.colour === name, onchange: () => onColour(name) });
    return make("label", {}, input, words);
  };
  const swatch = (colour) => {
    const one = make("i", {});
    one.style.background = colour;
    return one;
  };
  const [first, last] = facts.months;
  const kinds = isYear
    ? make("p", { class: "ramp" }, make("span", {}, monthOf(first).slice(0, 4)), ...facts.years[ground].map(swatch), make("span", {}, monthOf(last).slice(0, 4)))
    : make("ul", {}, ...facts.groups.filter((one) => one.papers).map((one) => make("li", {}, swatch(one[ground]), make("span", {}, one.name), make("small", {}, one.papers.toLocaleString("en")))));
  const isOpen = matchMedia("(min-width: 48rem)").matches;
  return make(
    "details",
    { id: "legend", open: isOpen },
    make("summary", {}, "Colours and months"),
    make("fieldset", {}, make("legend", { class: "unseen" }, "Colours stand for"), choice("archive", "Field"), choice("year", "Year")),
    kinds,
    slider({ first, last, look, onMonths }),
  );
}

function slider({ first, last, look, onMonths }) {
  const told = make("output", { for: "from to" });
  const range = (id, label, value) => make("input", { id, type: "range", min: first, max: last, value, "aria-label": label });
  const from = range("from", "Posted since", look.from ?? first);
  const to = range("to", "Posted until", look.to ?? last);
  let timer = 0;
  const show = () => {
    told.textContent = `${monthOf(Number(from.value))} to ${monthOf(Number(to.value))}`;
    for (const one of [from, to]) one.setAttribute("aria-valuetext", monthOf(Number(one.value)));
  };
  const changed = (event) => {
    if (Number(from.value) > Number(to.value)) (event.target === from ? to : from).value = event.target.value;
    show();
    clearTimeout(timer);
    timer = setTimeout(() => {
      const [low, high] = [Number(from.value), Number(to.value)];
      onMonths(low > first ? low : null, high < last ? high : null);
    }, 120);
  };
  from.addEventListener("input", changed);
  to.addEventListener("input", changed);
  show();
  return make("div", { class: "months" }, make("span", { "aria-hidden": "true" }, "Posted"), told, from, to);
}
