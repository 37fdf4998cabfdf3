// The map on the page of a server.

import { openMap } from "./app.js";
import { serverProvider } from "./server.js";

const host = document.getElementById("map");
const { root, index } = document.body.dataset;
const { marks, at } = host.dataset;

openMap(host, serverProvider({ root, index, marks }), { marks: Boolean(marks), at }).then((view) => {
  window.lunacyMap = view; // for measurements
}).catch((error) => {
  host.hidden = false;
  host.textContent = `The map cannot be shown: ${error.message}`;
});
