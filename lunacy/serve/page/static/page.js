// The page works without this: it adds the reading list of the browser, keys, and what is done in place.

const MOST = 100; // papers of the list: as many as one address may name
const KEY = "lunacy.list";
const root = document.body.dataset.root;
const hasNamed = "own" in document.body.dataset; // lists of the person whose server this is
const field = document.getElementById("q");
const say = (words) => { document.getElementById("status").textContent = words; };
const count = (n) => `${n} ${n === 1 ? "paper" : "papers"}`;

// The reading list

function readList() {
  try {
    const ids = JSON.parse(localStorage.getItem(KEY) ?? "[]");
    return Array.isArray(ids) ? ids.filter((id) => typeof id === "string").slice(0, MOST) : [];
  } catch {
    return []; // nothing may be kept here, or it is not ours
  }
}

function writeList(ids) {
  try {
    localStorage.setItem(KEY, JSON.stringify(ids));
    return true;
  } catch {
    say("This browser keeps nothing, so there is no reading list.");
    return false;
  }
}

function listAddress(ids) {
  const names = ids.map((id) => ["id", id]);
  if (document.body.dataset.index) names.push(["index", document.body.dataset.index]);
  const query = new URLSearchParams(names).toString();
  return `${root}/list${query && "?"}${query}`;
}

function showList() {
  const ids = readList();
  document.getElementById("list-link").href = listAddress(ids);
  document.getElementById("list-count").textContent = ids.length;
  document.getElementById("list-count").hidden = hasNamed && !ids.length;
  for (const button of document.querySelectorAll("button.save")) {
    const isKept = ids.includes(button.dataset.id);
    button.hidden = false;
    button.setAttribute("aria-pressed", isKept);
    button.textContent = isKept ? "In your list" : "Add to list";
  }
  const shown = shownIds();
  document.getElementById("not-yours")?.toggleAttribute("hidden", shown.every((id) => ids.includes(id)));
}

function shownIds() {
  return [...document.querySelectorAll("#hits > [data-id]")].map((one) => one.dataset.id);
}

function toggle(id) {
  const ids = readList();
  const isKept = ids.includes(id);
  if (!isKept && ids.length >= MOST) {
    say(`The list is full: it holds ${MOST} papers. Save it as a file, then remove some.`);
    return;
  }
  const next = isKept ? ids.filter((one) => one !== id) : [...ids, id];
  if (!writeList(next)) return;
  showList();
  say(`${isKept ? "Removed from" : "Added to"} the reading list, which has ${count(next.length)}.`);
}

function keepShown() {
  const ids = [...new Set([...readList(), ...shownIds()])];
  if (!writeList(ids.slice(0, MOST))) return;
  showList();
  say(ids.length > MOST ? `The list is full: it holds the first ${MOST} papers.` : `The list has ${count(ids.length)}.`);
}

document.addEventListener("click", (event) => {
  const save = event.target.closest("button.save");
  if (save) toggle(save.dataset.id);
  const removed = event.target.closest("a.remove");
  if (removed) writeList(readList().filter((id) => id !== removed.dataset.id));
});
document.getElementById("keep-list")?.addEventListener("click", keepShown);
window.addEventListener("storage", showList);
window.addEventListener("pageshow", showList); // also when one comes back

// What is added by the field of one's own list belongs to it; a link that somebody sends does not.
const ADDING = "lunacy.adding";
document.getElementById("add")?.addEventListener("submit", () => {
  if (document.getElementById("not-yours")?.hidden) sessionStorage.setItem(ADDING, "yes");
});
if (document.getElementById("add") && sessionStorage.getItem(ADDING)) {
  sessionStorage.removeItem(ADDING);
  keepShown();
}

// Named lists: a paper is put on one without leaving the page, and what this browser keeps goes with all of it

async function keep(form, button) {
  const told = document.getElementById("kept");
  const name = form.elements.list.value;
  try {
    const body = new URLSearchParams([["list", name], [button.name, button.value]]);
    const response = await fetch(location.href, { method: "POST", body });
    const page = new DOMParser().parseFromString(await response.text(), "text/html");
    if (!response.ok) throw new Error(page.getElementById("problem")?.textContent ?? response.status);
    const beside = `[data-id="${CSS.escape(button.value)}"] > .on`; // of this paper alone: answers may come in any order
    const on = page.querySelector(beside);
    if (on) document.querySelector(beside)?.replaceWith(on);
    told.textContent = `Added to ${name}.`;
  } catch (error) {
    told.textContent = `Nothing was added: ${error.message}`;
  }
}

document.getElementById("keep")?.addEventListener("submit", (event) => {
  event.preventDefault();
  if (event.submitter && document.getElementById("keep-list").reportValidity()) keep(event.target, event.submitter);
});

const SAVING = "lunacy.saving";
document.getElementById("save-as")?.addEventListener("submit", () => sessionStorage.setItem(SAVING, "yes"));
if (document.getElementById("change") && sessionStorage.getItem(SAVING)) {
  sessionStorage.removeItem(SAVING);
  const shown = shownIds();
  if (readList().every((id) => shown.includes(id))) writeList([]);
}

// The field

function grow() {
  if (CSS.supports("field-sizing", "content")) return;
  field.style.height = "auto"; // the policy forbids style attributes in HTML, not this
  field.style.height = `${field.scrollHeight + 2}px`;
}

if (field) {
  field.addEventListener("input", grow);
  grow();
  field.addEventListener("paste", (event) => {
    const n = (event.clipboardData?.getData("text") ?? "").length;
    if (n > field.maxLength) say(`Cut after ${field.maxLength} characters; the model reads the beginning alone.`);
  });
  field.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    field.form.requestSubmit();
  });
}

// More results, in place; the address says how many

async function addMore(link) {
  const shown = document.querySelectorAll("#hits > li").length;
  link.setAttribute("aria-disabled", "true");
  say("Loading more results.");
  try {
    const response = await fetch(link.href);
    if (!response.ok) throw new Error(response.status);
    const page = new DOMParser().parseFromString(await response.text(), "text/html");
    const hits = [...page.querySelectorAll("#hits > li")].slice(shown);
    document.getElementById("hits").append(...hits);
    for (const id of ["summary", "more"]) document.getElementById(id).replaceWith(page.getElementById(id));
    history.replaceState(null, "", link.href.replace(/#.*/, ""));
    showList();
    reachWide();
    hits[0]?.focus({ preventScroll: true });
    say(`${count(hits.length)} more.`);
  } catch {
    location.assign(link.href);
  }
}

document.addEventListener("click", (event) => {
  const link = event.target.closest("#more a");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  if (!link.hasAttribute("aria-disabled")) addMore(link);
});

// A formula that is wider than the screen is moved by the arrow keys

function reachWide() {
  for (const one of document.querySelectorAll("math")) {
    if (one.scrollWidth > one.clientWidth) one.setAttribute("tabindex", "0");
  }
}

document.addEventListener("toggle", reachWide, true);
reachWide();

// Keys

const help = document.getElementById("help");
document.getElementById("help-button").addEventListener("click", () => help.showModal());
for (const id of ["yours", "help-button"]) document.getElementById(id).hidden = false;

function move(step) {
  const hits = [...document.querySelectorAll("#hits > li")];
  const place = hits.indexOf(document.activeElement.closest("#hits > li"));
  const next = hits[place < 0 ? (step > 0 ? 0 : -1) : place + step];
  next?.focus({ preventScroll: true });
  next?.scrollIntoView({ block: "nearest" });
}

const current = () => document.activeElement.closest("#hits > li") ?? document.querySelector(".asked article.paper");
const press = (selector) => current()?.querySelector(selector)?.click();

const KEYS = {
  "/": () => { field?.focus(); field?.select(); },
  "?": () => help.showModal(),
  j: () => move(1),
  k: () => move(-1),
  a: () => press("details.abstract > summary"),
  l: () => press("a.less"),
  m: () => press("a.more"),
  s: () => press("button.save, button.keep, a.remove"),
  o: () => {
    const url = current()?.dataset.url;
    if (url) window.open(url, "_blank", "noopener,noreferrer");
  },
};

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.altKey || event.metaKey || event.defaultPrevented || help.open) return;
  if (event.target.closest("input, textarea, select, [contenteditable]")) {
    if (event.key === "Escape") event.target.blur();
    return;
  }
  if (event.key === "Enter" && event.target.matches("#hits > li")) {
    press("a.similar");
  } else if (Object.hasOwn(KEYS, event.key)) {
    event.preventDefault();
    KEYS[event.key]();
  }
});

showList();
