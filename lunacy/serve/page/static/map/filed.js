// The map in a file of its own.

import { openMap } from "./app.js";
import { fileProvider } from "./file.js";

const host = document.getElementById("map");

openMap(host, fileProvider(), { marks: host.hasAttribute("data-marks") }).then((view) => {
  window.lunacyMap = view; // for measurements
}).catch((error) => {
  host.hidden = false;
  host.textContent = `The map cannot be shown: ${error.message}`;
});
