// What is drawn over the tiles: papers as discs with their titles, what is marked, and the names of regions.

import { titlesThatFit } from "./labels.js";

const TITLED = 120; // papers in sight, from which on there are no titles beside them

export function drawDiscs(view) {
  const { context, camera } = view;
  const radius = Math.min(3 + Math.max(camera.zoom - view.facts.deepest, 0) * 0.8, 7);
  const byColour = new Map();
  for (const one of view.discs.papers) {
    const [left, top] = camera.toScreen(one.x, one.y);
    if (left < -9 || top < -9 || left > camera.width + 9 || top > camera.height + 9) continue;
    const colour = view.colourOf(one);
    if (!byColour.has(colour)) byColour.set(colour, new Path2D());
    const path = byColour.get(colour);
    path.moveTo(left + radius, top);
    path.arc(left, top, radius, 0, 2 * Math.PI);
  }
  context.globalAlpha = 0.9;
  for (const [colour, path] of byColour) {
    context.fillStyle = colour;
    context.fill(path);
  }
  context.globalAlpha = 1;
  drawTitles(view, radius);
}

function drawTitles(view, radius) {
  const { context, camera, style } = view;
  const inSight = view.discs.papers.filter((one) => isInside(one, camera.box)).length;
  if (inSight > TITLED) return;
  const names = view.labels.at(camera.scale, camera.whole, context).map((one) => view.labels.box(one, camera.scale, context));
  context.font = "12px system-ui, -apple-system, \"Segoe UI\", \"Noto Sans\", \"Liberation Sans\", sans-serif";
  context.textBaseline = "middle";
  context.lineJoin = "round";
  context.lineWidth = 3;
  context.strokeStyle = style.paper;
  context.fillStyle = style.soft;
  for (const { one, text } of titlesThatFit(view.discs, names, camera.zoom, camera.scale, radius, context)) {
    const [left, top] = camera.toScreen(one.x, one.y);
    if (left < -300 || top < -20 || left > camera.width || top > camera.height + 20) continue;
    context.strokeText(text, left + radius + 4, top);
    context.fillText(text, left + radius + 4, top);
  }
}

export function drawMarks(view) {
  for (const one of view.marks.hits) ring(view, one, 5, 2, view.style.ink);
  for (const one of view.marks.asked) ring(view, one, 8, 3, view.style.accent);
  if (view.marks.stands) star(view, view.marks.stands);
  if (view.hovered) ring(view, view.hovered, 7, 2, view.style.ink);
  if (view.chosen) ring(view, view.chosen, 10, 3, view.style.accent);
}

// Where a text stands, which is no paper.
function star(view, one) {
  const { context, camera, style } = view;
  const [left, top] = camera.toScreen(one.x, one.y);
  context.beginPath();
  for (let point = 0; point < 10; point += 1) {
    const [turn, far] = [(point * Math.PI) / 5, point % 2 ? 5.5 : 13];
    context.lineTo(left + far * Math.sin(turn), top - far * Math.cos(turn));
  }
  context.closePath();
  context.lineWidth = 4;
  context.strokeStyle = style.paper;
  context.stroke();
  context.fillStyle = style.accent;
  context.fill();
}

function ring(view, one, radius, width, colour) {
  const { context, camera } = view;
  const [left, top] = camera.toScreen(one.x, one.y);
  if (left < -20 || top < -20 || left > camera.width + 20 || top > camera.height + 20) return;
  context.beginPath();
  context.arc(left, top, radius, 0, 2 * Math.PI);
  context.lineWidth = width + 3;
  context.strokeStyle = view.style.paper;
  context.stroke();
  context.lineWidth = width;
  context.strokeStyle = colour;
  context.stroke();
}

export function drawLabels(view) {
  const { context, camera, style, ratio } = view;
  for (const one of view.labels.at(camera.scale, camera.whole, context)) {
    const [left, top] = camera.toScreen(one.x, one.y);
    if (left < -150 || top < -20 || left > camera.width + 150 || top > camera.height + 20) continue;
    const { canvas, width, height } = view.labels.sprite(one, style, ratio);
    context.drawImage(canvas, Math.round((left - width / 2) * ratio) / ratio, Math.round((top - height / 2) * ratio) / ratio, width, height);
  }
}

function isInside({ x, y }, { left, top, right, bottom }) {
  return x >= left && x <= right && y >= top && y <= bottom;
}
