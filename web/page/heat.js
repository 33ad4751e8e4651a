// The heat map: a grid of buttons with one tab stop and arrow keys (the grid
// pattern of the ARIA practices). The buttons stay from answer to answer.

import { h } from "./dom.js";
import { language, symbols, t } from "./words.js";

let grid = null; // { sides, buttons }: what it was made for, and its buttons by row
let take = () => {};

// heat draws rows of answers; here is the cell that is asked about, or null.
export function heat(answers, here, apply) {
  const rows = answers.filter((r) => r.ok).flatMap((r) => r.ok);
  if (rows.length === 0) return;
  take = apply;
  const sides = `${language} ${rows.map((cells) => cells[0].micro_batch)} ${rows[0].map((c) => c.seq_len)}`;
  if (grid?.sides !== sides) grid = make(rows, sides);
  rows.forEach((cells, y) => cells.forEach((cell, x) => paint(grid.buttons[y][x], cell, here)));
  const all = grid.buttons.flat();
  if (!all.includes(document.activeElement)) stop(all.find((b) => b.hasAttribute("aria-current")) ?? all[0]);
}

function make(rows, sides) {
  const buttons = rows.map((cells) => cells.map(() => h("button", { type: "button", tabindex: -1 })));
  const head = h("tr", {}, h("th", { scope: "col" }, t("heat_corner")), ...rows[0].map((c) => h("th", { scope: "col" }, String(c.seq_len))));
  const body = rows.map((cells, y) => h("tr", {}, h("th", { scope: "row" }, String(cells[0].micro_batch)), ...buttons[y].map((b) => h("td", {}, b))));
  const drawn = h("table", { class: "heat", role: "grid", "aria-label": t("heat"), onkeydown: walk, onclick: press }, h("thead", {}, head), h("tbody", {}, ...body));
  document.getElementById("heat").replaceChildren(drawn);
  return { sides, buttons };
}

function paint(button, cell, here) {
  const current = here !== null && here.batch === String(cell.micro_batch) && here.length === String(cell.seq_len);
  const sign = [...Object.values(cell), current].join();
  if (button.sign === sign) return;
  button.sign = sign;
  button.cell = cell;
  const runs = cell.state === "fits" || cell.state === "tight";
  button.textContent = runs ? `${symbols[cell.state]} ${cell.tokens}` : symbols[cell.state];
  const name = t("heat_cell", { ...cell, state: t(`state.${cell.state}`) }) + (runs && cell.tokens ? t("heat_speed", cell) : "");
  button.title = cell.reason || name + t("heat_tensors", cell);
  button.setAttribute("aria-label", name);
  button.parentElement.dataset.state = cell.state;
  if (current) button.setAttribute("aria-current", "true"); else button.removeAttribute("aria-current");
}

function press(e) {
  const { cell } = e.target;
  if (cell) take([["micro-batch", String(cell.micro_batch)], ["seq-len", String(cell.seq_len)]]);
}

// stop makes a button the grid's one tab stop.
function stop(button) {
  for (const b of grid.buttons.flat()) if (b.tabIndex === 0) b.tabIndex = -1;
  button.tabIndex = 0;
}

function walk(e) {
  const y = grid.buttons.findIndex((row) => row.includes(e.target));
  if (y < 0) return;
  const x = grid.buttons[y].indexOf(e.target);
  const end = grid.buttons[y].length - 1;
  const to = { ArrowRight: [y, x + 1], ArrowLeft: [y, x - 1], ArrowDown: [y + 1, x], ArrowUp: [y - 1, x], Home: [y, 0], End: [y, end] }[e.key];
  const button = to && grid.buttons[to[0]]?.[to[1]];
  if (!to) return;
  e.preventDefault();
  if (!button) return;
  stop(button);
  button.focus();
}
