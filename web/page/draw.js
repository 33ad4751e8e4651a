// Draws answers. All figures and their places come from the estimator; only
// the rows and columns of a chart are laid out here.

import { h, renew, svg, table } from "./dom.js";
import { anchor, slug, symbols, t, term } from "./words.js";

const get = (id) => document.getElementById(id);

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
  if (v.summary.of > 1) more.push(t(v.summary.common ? "summary" : "summary_named", v.summary));
  get("verdict-more").textContent = more.join(" · ");
  get("question").textContent = v.question.join(" · ");
}

// patterns tell the parts of a bar apart without colour.
const hatches = { gradients: "M0 0L6 6M-1 5L1 7M5 -1L7 1", optimizer_states: "M0 6L6 0M-1 1L1 -1M5 7L7 5", activations: "M0 3H6", logits_and_loss: "M3 0V6", cached: "M0 3H6M3 0V6", context: "M0 0L6 6M0 6L6 0",
  elementwise: "M0 3H6", attention: "M3 0V6", dequantization: "M0 6L6 0", launch_gaps: "M0 0L6 6", quantization_constants: "M1 1H2", adapters: "M1 1H2M4 4H5" };

function defs(id, keys) {
  return svg("defs", {}, ...keys.filter((k) => hatches[k]).map((k) => svg("pattern", { id: `${id}-${slug(k)}`, width: 6, height: 6, patternUnits: "userSpaceOnUse" },
    svg("path", { d: hatches[k], class: "hatch" }))));
}

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
      svg("text", { x: `${bar.capacity}%`, y: 12, "text-anchor": anchor(bar.capacity), class: "axis" }, t("card_has", { capacity })));
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

function speed(s) {
  get("section-speed").hidden = !s;
  if (!s) return;
  stacked("speed-bar", "speed-legend", { parts: s.parts, capacity: 0 }, "");
  figures("speed", "speed", s.figures);
  get("speed-basis").textContent = t("speed_basis", { bound: term("bound", s.bound), basis: s.basis });
}

function changes(list, apply) {
  get("section-changes").hidden = list.length === 0;
  renew(get("changes"), ...list.map((c) => h("li", {}, h("button", { type: "button", "data-key": c.flags, onclick: () => apply(c.settings) }, c.flags),
    h("span", {}, t("saves", c)), c.speed ? h("span", { class: "quiet" }, t("speed_change", c)) : "", h("span", { class: c.fits ? "mark fits" : "mark too-big" }, c.fits ? `✓ ${t("then_fits")}` : `✕ ${t("then_not")}`))));
}

export function methods(answer, apply) {
  if (answer.error) return;
  renew(get("methods"), table(t("methods"), [t("col_method"), t("col_needs"), t("col_bar"), t("col_verdict"), t("col_tokens"), t("col_trained")], answer.ok.map((r) => ({
    state: r.state, cells: [h("button", { type: "button", "data-key": r.id, onclick: () => apply(r.settings) }, r.id), r.needs || r.reason || "–",
      r.needs ? svg("svg", { class: "small-bar", height: 18, "aria-hidden": "true" }, svg("rect", { width: `${r.bar}%`, y: 4, height: 10, rx: 2, class: `state-${r.state}` }), r.mark ? svg("line", { x1: `${r.mark}%`, x2: `${r.mark}%`, y1: 0, y2: 18, class: "capacity" }) : "") : "",
      mark(r.state), r.tokens || "–", r.trained || "–"],
  }))));
}

function mark(state) { return h("span", { class: `mark ${state}` }, `${symbols[state]} ${t(`state.${state}`)}`); }

let ranked = [];
let prices = {};
let all = false;
let choose = () => {};
const few = 12;

// gpus ranks all GPUs; seen says when and where their prices were seen.
export function gpus(answer, seen, apply) {
  if (answer.error) return;
  ranked = answer.ok;
  prices = seen;
  choose = apply;
  reorder();
  if (get("all-prices").open) sources();
}

export function reorder() {
  const which = Number(get("order").value);
  const rows = [...ranked].sort((a, b) => a.order[which] - b.order[which]).slice(0, all ? ranked.length : few);
  renew(get("gpus"), table(t("gpus"), [t("col_gpu"), t("col_verdict"), t("col_has"), t("col_spare"), t("col_tokens"), t("col_million"), t("col_price")], rows.map((r) => ({
    state: r.state, cells: [h("button", { type: "button", "data-key": r.id, onclick: () => choose([["gpu", r.id]]) }, r.name), r.reason ? h("span", {}, mark(r.state), " ", h("small", { class: "quiet" }, r.reason)) : mark(r.state), r.capacity || "–", r.spare || "–", r.tokens || "–", r.million || "–", price(r)],
  }))));
  get("all-gpus").textContent = all ? t("show_few") : t("show_all");
  get("all-gpus").setAttribute("aria-expanded", String(all));
}

// price is the lowest price with when and where it was seen, or that none is
// known; the words of all sources stand in their own table.
function price(row) {
  if (!row.price) return h("span", { class: "quiet" }, t("no_price"));
  const from = prices[row.id];
  return h("span", {}, h("b", {}, row.price), " ", h("time", {}, from ? months(from.date) : ""), " ", h("small", {}, from ? from.source.split(";")[0] : t("price_source_unread")));
}

function months(date) { return date.replace("..", "–"); }

// sources lists where all prices come from.
export function sources() {
  const rows = ranked.filter((r) => r.price && prices[r.id]);
  renew(get("prices"), table(t("prices"), [t("col_gpu"), t("col_price"), t("col_seen"), t("col_source")],
    rows.map((r) => ({ cells: [r.name, r.price, months(prices[r.id].date), prices[r.id].source] }))));
}

export function toggleAll() {
  all = !all;
  reorder();
}

export function derivations(list) {
  get("derivations").replaceChildren(table(t("how"), [t("col_quantity"), t("col_formula"), t("col_values"), t("col_result"), t("col_source")],
    list.map((d) => ({ cells: [d.quantity, d.formula, d.values, d.result, d.source] }))));
}
