// The memory over the step: an area, a strip that names the phases, the peak
// marked, and what stands there at the moment that is pointed at or reached
// with the arrow keys (the slider pattern).

import { h, svg } from "./dom.js";
import { anchor, slug, t, term } from "./words.js";

const get = (id) => document.getElementById(id);
const top = 22, height = 150; // of the drawing, in pixels
const leap = 10; // moments that page up and page down pass over

let moments = [];
let at = 0;
let cursor = null;

export function timeline(answer) {
  if (answer.error) return;
  moments = answer.ok;
  const peak = moments.findIndex((m) => m.top);
  const { x, text, place } = moments[peak];
  const line = moments.map((m) => `${m.x},${100 - m.y}`).join(" ");
  const area = svg("svg", { x: 0, y: top, width: "100%", height, viewBox: "0 0 100 100", preserveAspectRatio: "none" },
    svg("polygon", { points: `0,100 ${line} 100,100`, class: "area" }), svg("polyline", { points: line, class: "line" }));
  cursor = svg("line", { y1: top, y2: top + height, class: "cursor" });
  const drawing = svg("svg", { width: "100%", height: 200, "aria-hidden": "true", onpointermove: point, onpointerdown: point, onpointerleave: () => show(peak) },
    svg("rect", { y: top, width: "100%", height, class: "sensor" }), ...strip(), area, cursor,
    svg("circle", { cx: `${x}%`, cy: top, r: 5, class: "peak" }), svg("text", { x: `${x}%`, y: 13, "text-anchor": anchor(x), class: "axis strong" }, `▼ ${text}`));
  const chart = get("timeline");
  chart.replaceChildren(drawing);
  chart.setAttribute("aria-label", t("timeline_label", { text, at: place }));
  chart.setAttribute("aria-valuemax", moments.length - 1);
  chart.onkeydown = key;
  show(peak);
}

function show(index) {
  at = index;
  const m = moments[index];
  cursor.setAttribute("x1", `${m.x}%`);
  cursor.setAttribute("x2", `${m.x}%`);
  const said = t("moment", { text: m.text, at: m.place });
  get("timeline").setAttribute("aria-valuenow", index);
  get("timeline").setAttribute("aria-valuetext", `${said} ${m.parts.map((p) => `${term("part", p.key)} ${p.text}`).join(", ")}`);
  get("moment").replaceChildren(h("p", {}, said), h("ul", { class: "chips" }, ...m.parts.map((p) => h("li", {},
    h("i", { class: `swatch part-${slug(p.key)}` }), `${term("part", p.key)} `, h("b", {}, p.text)))));
}

// point shows the moment under the pointer.
function point(e) {
  const box = get("timeline").getBoundingClientRect();
  const percent = 100 * (e.clientX - box.left) / box.width;
  const found = moments.findLastIndex((m) => m.x <= percent);
  if (found >= 0 && found !== at) show(found);
}

function key(e) {
  const end = moments.length - 1;
  const to = { ArrowRight: at + 1, ArrowUp: at + 1, ArrowLeft: at - 1, ArrowDown: at - 1, PageUp: at + leap, PageDown: at - leap, Home: 0, End: end }[e.key];
  if (to === undefined) return;
  e.preventDefault();
  show(Math.min(end, Math.max(0, to)));
}

// strip joins the moments of a phase and names it where there is room.
function strip() {
  const found = [];
  for (const m of moments) {
    if (found.at(-1)?.phase !== m.phase) found.push({ phase: m.phase, from: m.x, to: m.x });
    found.at(-1).to = m.x;
  }
  return found.flatMap((p) => [
    svg("line", { x1: `${p.from}%`, x2: `${p.from}%`, y1: top, y2: top + height + 6, class: "edge" }),
    p.to - p.from > 12 ? svg("text", { x: `${(p.from + p.to) / 2}%`, y: 190, "text-anchor": "middle", class: "axis" }, term("phase", p.phase)) : "",
  ]);
}
