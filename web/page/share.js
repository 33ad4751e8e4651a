// Copies and downloads an answer.

import { svg } from "./dom.js";
import { ask } from "./engine.js";
import { t } from "./words.js";

const get = (id) => document.getElementById(id);

export function share(said, shown) {
  for (const button of document.querySelectorAll("[data-copy]")) {
    button.onclick = async () => {
      const text = await textOf(button.dataset.copy, said());
      if (text) await copy(text);
    };
  }
  for (const button of document.querySelectorAll("[data-download]")) {
    button.onclick = () => { if (shown()) download(button.dataset.download); };
  }
}

async function textOf(kind, what) {
  if (kind === "link") return location.href;
  const answer = await ask(kind === "json" ? "plan" : kind, what);
  return answer && answer.ok;
}

async function copy(text) {
  get("command").textContent = text;
  try {
    await navigator.clipboard.writeText(text);
    get("shared").textContent = t("copied");
  } catch {
    get("shared").textContent = t("not_copied");
  }
}

// Of the figure, in pixels: its least width, its edge, a row and a column of the legend.
const least = 720, edge = 24, row = 22, column = 280;

// figure is the memory chart for another place: the answer in words, the bar,
// its legend, a ground of its own and all colours written into it.
function figure() {
  const bar = document.querySelector("#bar svg");
  const box = bar.getBoundingClientRect();
  const items = [...document.querySelectorAll("#legend li")];
  const panel = getComputedStyle(document.getElementById("section-memory"));
  const inner = Math.max(least, box.width);
  const columns = Math.floor(inner / column);
  const width = inner + 2 * edge;
  const top = 84 + box.height + row;
  const height = top + Math.ceil(items.length / columns) * row + edge / 2;
  const legend = items.map((item, i) => entry(item, edge + (i % columns) * (inner / columns), top + Math.floor(i / columns) * row, panel.color));
  const text = (y, size, weight, words) => svg("text", { x: edge, y, fill: panel.color, "font-family": font, "font-size": size, "font-weight": weight }, words);
  const drawn = svg("svg", { width, height, viewBox: `0 0 ${width} ${height}` }, svg("rect", { width: "100%", height: "100%", fill: panel.backgroundColor }),
    text(40, 18, 700, get("verdict-line").textContent), text(62, 12, 400, get("question").textContent), coloured(bar, { x: edge, y: 84, width: inner, height: box.height }), ...legend);
  return { text: new XMLSerializer().serializeToString(drawn), width, height };
}

const font = "system-ui, sans-serif";

// entry is one part in the legend.
function entry(item, x, y, ink) {
  const [name, size, share] = [...item.children].slice(1).map((e) => e.textContent);
  return svg("g", {}, coloured(item.querySelector("svg"), { x, y: y - 11 }),
    svg("text", { x: x + 21, y, fill: ink, "font-family": font, "font-size": 13 }, `${name} · ${size} · ${share}`));
}

// coloured is a copy of a drawing with the colours that it has on the page.
function coloured(drawn, attributes) {
  const copyOf = drawn.cloneNode(true);
  const from = drawn.querySelectorAll("*");
  copyOf.querySelectorAll("*").forEach((element, i) => {
    const style = getComputedStyle(from[i]);
    for (const name of ["fill", "stroke", "stroke-width", "stroke-dasharray"]) {
      if (!element.getAttribute(name)) element.setAttribute(name, style.getPropertyValue(name));
    }
    if (element.tagName === "text") element.setAttribute("font-family", font);
    if (element.tagName === "text") element.setAttribute("font-size", style.fontSize);
    element.removeAttribute("class");
  });
  for (const [name, value] of Object.entries(attributes)) copyOf.setAttribute(name, value);
  return copyOf;
}

async function download(kind) {
  const { text, width, height } = figure();
  const drawing = new Blob([text], { type: "image/svg+xml" });
  if (kind === "svg") {
    save(drawing, "vramcalc.svg");
    return;
  }
  const image = new Image();
  image.src = URL.createObjectURL(drawing);
  await image.decode();
  const canvas = document.createElement("canvas");
  canvas.width = 2 * width;
  canvas.height = 2 * height;
  canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
  canvas.toBlob((png) => save(png, "vramcalc.png"));
}

function save(blob, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  get("shared").textContent = t("saved", { name });
}
