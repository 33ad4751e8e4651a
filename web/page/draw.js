// Draws answers. All figures and their places come from the estimator; only
// the rows and columns of a chart are laid out here.

import { h, svg, table } from "./dom.js";
import { t, term } from "./words.js";

const get = (id) => document.getElementById(id);
const symbols = { fits: "✓", tight: "≈", "too-tight": "!", "too-big": "✕", refused: "–", unknown: "?" };

export function view(v, apply) {
  verdict(v);
  stacked("bar", "legend", v.bar, v.verdict.capacity);
  figures("figures", "figure", v.figures);
  get("band").textContent = t("band", { low: v.bar.low_text, high: v.bar.high_text, basis: v.bar.basis }) + " " + t("peak_at", { at: v.bar.peak_at });
  phases(v.phases);
  speed(v.speed);
  changes(v.changes, apply);
  get("assumptions").replaceChildren(table(t("assumptions"), [t("col_setting"), t("col_value"), t("col_because")],
    v.assumptions.map((a) => ({ cells: [a.setting, a.value, a.because] }))));
  get("findings").replaceChildren(...v.findings.map((f) => h("li", { "data-severity": f.severity }, f.message, f.hint ? ` – ${f.hint}` : "")));
}

function verdict(v) {
  const w = v.verdict;
  get("verdict").dataset.state = w.state;
  get("verdict-line").textContent = `${symbols[w.state]} ${t(`verdict.${w.state}`, w)}`;
  const more = [t("needs", w)];
  if (w.tokens && (w.state === "fits" || w.state === "tight")) more.push(t("tokens", w));
  if (w.state !== "unknown") more.push(t("chance", w));
  if (v.summary.of > 1) more.push(t("summary", v.summary));
  get("verdict-more").textContent = more.join(" · ");
  get("question").textContent = v.question.join(" · ");
}

// patterns tell the parts of a bar apart without colour.
const hatches = { gradients: "M0 0L6 6M-1 5L1 7M5 -1L7 1", optimizer_states: "M0 6L6 0M-1 1L1 -1M5 7L7 5", activations: "M0 3H6", logits_and_loss: "M3 0V6", cached: "M0 3H6M3 0V6", context: "M0 0L6 6M0 6L6 0",
  elementwise: "M0 3H6", attention: "M3 0V6", dequantization: "M0 6L6 0", "launch gaps": "M0 0L6 6", quantization_constants: "M1 1H2", adapters: "M1 1H2M4 4H5" };

function defs(id, keys) {
  return svg("defs", {}, ...keys.filter((k) => hatches[k]).map((k) => svg("pattern", { id: `${id}-${slug(k)}`, width: 6, height: 6, patternUnits: "userSpaceOnUse" },
    svg("path", { d: hatches[k], class: "hatch" }))));
}

function slug(key) { return key.replace(/[^a-z]+/g, "-"); }

function stacked(chart, legend, bar, capacity) {
  const parts = bar.parts;
  const drawing = svg("svg", { width: "100%", height: 84, role: "img", "aria-label": parts.map((p) => `${term("part", p.key)} ${p.text}`).join(", ") }, defs(chart, parts.map((p) => p.key)),
    svg("rect", { x: 0, y: 22, width: bar.capacity ? `${bar.capacity}%` : "100%", height: 34, rx: 4, class: "track" }));
  for (const p of parts) {
    drawing.append(svg("rect", { x: `${p.left}%`, y: 22, width: `${p.width}%`, height: 34, class: `part part-${slug(p.key)}` }, svg("title", {}, `${term("part", p.key)}: ${p.text} (${p.share})`)));
    if (hatches[p.key]) drawing.append(svg("rect", { x: `${p.left}%`, y: 22, width: `${p.width}%`, height: 34, fill: `url(#${chart}-${slug(p.key)})`, "pointer-events": "none" }));
  }
  if (capacity && bar.capacity) {
    drawing.append(svg("line", { x1: `${bar.low}%`, x2: `${bar.high}%`, y1: 66, y2: 66, class: "band" }),
      svg("line", { x1: `${bar.low}%`, x2: `${bar.low}%`, y1: 61, y2: 71, class: "band" }), svg("line", { x1: `${bar.high}%`, x2: `${bar.high}%`, y1: 61, y2: 71, class: "band" }),
      svg("line", { x1: `${bar.capacity}%`, x2: `${bar.capacity}%`, y1: 16, y2: 62, class: "capacity" }),
      svg("text", { x: `${bar.capacity}%`, y: 12, "text-anchor": "end", class: "axis" }, t("card_has", { capacity })));
  }
  get(chart).replaceChildren(drawing);
  get(legend).replaceChildren(...parts.map((p) => h("li", {}, svg("svg", { width: 14, height: 14, "aria-hidden": "true" }, svg("rect", { width: 14, height: 14, rx: 3, class: `part-${slug(p.key)}` }),
    hatches[p.key] ? svg("rect", { width: 14, height: 14, rx: 3, fill: `url(#${chart}-${slug(p.key)})` }) : ""), h("span", {}, term("part", p.key)), h("b", {}, p.text), h("span", { class: "quiet" }, p.share))));
}

function figures(id, group, list) {
  get(id).replaceChildren(...list.map((f) => h("div", {}, h("dt", {}, term(group, f.key)), h("dd", {}, f.text))));
}

function phases(list) {
  get("timeline-table").replaceChildren(table(t("timeline"), [t("col_phase"), t("col_peak"), t("col_after"), t("col_at")],
    list.map((p) => ({ cells: [term("phase", p.phase), p.peak, p.end, p.at] }))));
}

// timeline draws the memory over the step: an area, a strip that names the
// phases, the peak marked, and what stands there under the pointer.
export function timeline(answer) {
  if (answer.error) return;
  const moments = answer.ok;
  const top = moments.find((m) => m.top);
  const line = moments.map((m) => `${m.x},${100 - m.y}`);
  const area = svg("svg", { x: 0, y: 22, width: "100%", height: 150, viewBox: "0 0 100 100", preserveAspectRatio: "none" },
    svg("polygon", { points: `0,100 ${line.join(" ")} 100,100`, class: "area" }), svg("polyline", { points: line.join(" "), class: "line" }));
  const cursor = svg("line", { y1: 22, y2: 172, class: "cursor" });
  const show = (m) => {
    cursor.setAttribute("x1", `${m.x}%`);
    cursor.setAttribute("x2", `${m.x}%`);
    get("moment").textContent = t("moment", { text: m.text, at: m.place, parts: m.parts.map((p) => `${term("part", p.key)} ${p.text}`).join(", ") });
  };
  const drawing = svg("svg", { width: "100%", height: 200, role: "img", "aria-label": t("timeline_label", { text: top.text, at: top.place }) }, area, cursor,
    svg("circle", { cx: `${top.x}%`, cy: 22, r: 5, class: "peak" }), svg("text", { x: `${top.x}%`, y: 13, "text-anchor": anchor(top.x), class: "axis strong" }, `▼ ${top.text}`));
  strip(moments).forEach((p) => drawing.append(svg("line", { x1: `${p.from}%`, x2: `${p.from}%`, y1: 22, y2: 178, class: "edge" }),
    p.to - p.from > 12 ? svg("text", { x: `${(p.from + p.to) / 2}%`, y: 190, "text-anchor": "middle", class: "axis" }, term("phase", p.phase)) : ""));
  moments.forEach((m, i) => drawing.append(svg("rect", { x: `${m.x}%`, y: 22, width: `${Math.max(0.3, (moments[i + 1]?.x ?? 100) - m.x)}%`, height: 150, class: "sensor", onmouseenter: () => show(m) })));
  drawing.addEventListener("mouseleave", () => show(top));
  get("timeline").replaceChildren(drawing);
  show(top);
}

function anchor(x) { return x < 15 ? "start" : x > 85 ? "end" : "middle"; }

// strip joins the moments of a phase.
function strip(moments) {
  const found = [];
  for (const m of moments) {
    if (found.at(-1)?.phase !== m.phase) found.push({ phase: m.phase, from: m.x, to: m.x });
    found.at(-1).to = m.x;
  }
  return found;
}

function speed(s) {
  get("section-speed").hidden = !s;
  if (!s) return;
  stacked("speed-bar", "speed-legend", { parts: s.parts, capacity: 0 }, "");
  figures("speed", "speed", s.figures);
  get("speed-basis").textContent = t("speed_basis", { bound: term("bound", s.bound), basis: s.basis });
}

function changes(list, apply) {
  get("section-changes").hidden = list.length === 0;
  get("changes").replaceChildren(...list.map((c) => h("li", {}, h("button", { type: "button", onclick: () => apply(c.settings) }, c.flags),
    h("span", {}, t("saves", c)), c.speed ? h("span", { class: "quiet" }, t("speed_change", c)) : "", h("span", { class: c.fits ? "mark fits" : "mark too-big" }, c.fits ? `✓ ${t("then_fits")}` : `✕ ${t("then_not")}`))));
}

export function heat(rows, apply) {
  const good = rows.filter((r) => r.ok).flatMap((r) => r.ok);
  if (good.length === 0) return;
  const head = h("tr", {}, h("th", { scope: "col" }, t("heat_corner")), ...good[0].map((c) => h("th", { scope: "col" }, String(c.seq_len))));
  get("heat").replaceChildren(h("table", { class: "heat" }, h("caption", { class: "hidden" }, t("heat")), h("thead", {}, head), h("tbody", {}, ...good.map((cells) => h("tr", {},
    h("th", { scope: "row" }, String(cells[0].micro_batch)), ...cells.map((c) => h("td", { "data-state": c.state }, h("button", {
      type: "button", title: c.reason || t("heat_cell", c), "aria-label": `${c.micro_batch} × ${c.seq_len}: ${t(`state.${c.state}`)} ${c.tokens}`,
      onclick: () => apply([["micro-batch", String(c.micro_batch)], ["seq-len", String(c.seq_len)]]),
    }, c.state === "fits" || c.state === "tight" ? `${symbols[c.state]} ${c.tokens}` : symbols[c.state]))))))));
}

export function methods(answer, apply) {
  if (answer.error) return;
  get("methods").replaceChildren(table(t("methods"), [t("col_method"), t("col_needs"), t("col_bar"), t("col_verdict"), t("col_tokens"), t("col_trained")], answer.ok.map((r) => ({
    state: r.state, cells: [h("button", { type: "button", onclick: () => apply([["method", r.id], ...methodOwn()]) }, r.id), r.needs || r.reason || "–",
      r.needs ? svg("svg", { width: 180, height: 18, "aria-hidden": "true" }, svg("rect", { width: `${r.bar}%`, y: 4, height: 10, rx: 2, class: `state-${r.state}` }), r.mark ? svg("line", { x1: `${r.mark}%`, x2: `${r.mark}%`, y1: 0, y2: 18, class: "capacity" }) : "") : "",
      mark(r.state), r.tokens || "–", r.trained || "–"],
  }))));
}

// methodOwn empties the settings that another method may not have.
function methodOwn() {
  return ["lora-rank", "lora-alpha", "lora-dropout", "lora-targets", "modules-to-save", "rslora", "trainable-layers", "quant", "double-quant", "weights-dtype", "adapter-dtype"].map((n) => [n, ""]);
}

function mark(state) { return h("span", { class: `mark ${state}` }, `${symbols[state]} ${t(`state.${state}`)}`); }

let ranked = [];
let all = false;
let choose = () => {};
const few = 12;

export function gpus(answer, apply) {
  if (answer.error) return;
  ranked = answer.ok;
  choose = apply;
  reorder();
}

export function reorder() {
  const which = Number(get("order").value);
  const rows = [...ranked].sort((a, b) => a.order[which] - b.order[which]).slice(0, all ? ranked.length : few);
  get("gpus").replaceChildren(table(t("gpus"), [t("col_gpu"), t("col_verdict"), t("col_has"), t("col_spare"), t("col_tokens"), t("col_price"), t("col_million")], rows.map((r) => ({
    state: r.state, cells: [h("button", { type: "button", onclick: () => choose([["gpu", r.id]]) }, r.name), mark(r.state), r.capacity, r.spare, r.tokens || "–", r.price || "–", r.million || "–"],
  }))));
  get("all-gpus").textContent = all ? t("show_few") : t("show_all");
  get("all-gpus").setAttribute("aria-expanded", String(all));
}

export function toggleAll() {
  all = !all;
  reorder();
}

export function derivations(list) {
  get("derivations").replaceChildren(table(t("how"), [t("col_quantity"), t("col_formula"), t("col_values"), t("col_result"), t("col_source")],
    list.map((d) => ({ cells: [d.quantity, d.formula, d.values, d.result, d.source] }))));
}
