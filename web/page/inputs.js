// The controls, made from what the estimator says can be chosen.

import { combobox } from "./combobox.js";
import { h } from "./dom.js";
import { state } from "./state.js";
import { t, term } from "./words.js";

const main = ["model", "method", "gpu", "precision", "checkpointing", "micro-batch", "seq-len", "optimizer", "loss", "trainer"];
const hidden = ["batch-size", "virtual-tokens", "bottleneck"]; // another name, and methods that are not built
const switches = ["rslora", "double-quant"];
const numbers = ["micro-batch", "seq-len", "grad-accum", "gpus", "lora-rank", "lora-alpha", "lora-dropout", "trainable-layers"];

const controls = new Map();
let catalogue = null;
let on = null;

export function build(list, handlers) {
  catalogue = list;
  on = handlers;
  const names = list.settings.map((s) => s.name).filter((n) => !hidden.includes(n));
  document.getElementById("main-inputs").replaceChildren(...main.filter((n) => names.includes(n)).flatMap(field));
  document.getElementById("more-inputs").replaceChildren(...names.filter((n) => !main.includes(n)).flatMap(field));
  fill();
}

function field(name) {
  const id = `in-${name}`;
  const drawn = controlFor(name, id);
  const control = drawn.querySelector("input") ?? drawn; // a combobox has its list beside it
  controls.set(name, control);
  const note = h("span", { class: "note", id: `${id}-note` });
  const parts = [h("label", { for: id, id: `${id}-label` }, term("setting", name)), drawn, note];
  control.setAttribute("aria-describedby", note.id);
  if (name === "model") parts.push(modelButtons());
  if (name === "gpu") parts.push(sizes());
  return [h("div", { class: `field field-${name}` }, ...parts)];
}

function controlFor(name, id) {
  const change = (e) => on.change(name, e.target.value);
  const choose = (value) => on.change(name, value);
  if (name === "model") return combobox({ id, things: catalogue.models, many: false, choose });
  if (name === "gpu") return combobox({ id, things: catalogue.gpus, many: true, choose });
  if (switches.includes(name)) {
    return h("select", { id, onchange: change }, ...["", "true", "false"].map((v) => h("option", { value: v }, v || t("default"))));
  }
  const { values } = catalogue.settings.find((s) => s.name === name);
  if (values.length > 1) {
    return h("select", { id, onchange: change }, h("option", { value: "" }, t("default")), ...values.map((v) => h("option", { value: v }, v)));
  }
  const number = numbers.includes(name);
  return h("input", { id, type: "text", inputmode: number ? "decimal" : "text", spellcheck: "false", oninput: change });
}

function modelButtons() {
  const choose = (e) => {
    on.takeFile(e.target.files[0]);
    e.target.value = ""; // the same file can be chosen again, when it was edited
  };
  const file = h("input", { type: "file", id: "in-file", accept: ".json,application/json", class: "file", onchange: choose });
  return h("div", { class: "buttons" }, h("label", { class: "file-label", for: "in-file", "data-t": "open_config" }, t("open_config")), file,
    h("button", { type: "button", id: "hub", onclick: () => on.fetchHub(), "data-t": "fetch_hub" }, t("fetch_hub")));
}

// sizes is "my card has …": the common card of that size stands for it.
function sizes() {
  const select = h("select", { id: "in-size", onchange: (e) => { controls.get("gpu").value = e.target.value; on.change("gpu", e.target.value); } },
    h("option", { value: "" }, "–"), ...catalogue.sizes.map((s) => h("option", { value: s.gpu }, s.size)));
  return h("div", { class: "inline" }, h("label", { for: "in-size", "data-t": "my_card" }, t("my_card")), select);
}

// fill shows the state in the controls.
export function fill() {
  if (!catalogue) return;
  for (const [name, control] of controls) {
    const value = state.settings.get(name) ?? "";
    if (control.tagName === "SELECT" && value && ![...control.options].some((o) => o.value === value)) {
      control.append(h("option", { value }, value.slice(0, 60)));
    }
    if (control !== document.activeElement || control.value !== value) control.value = value;
    document.getElementById(`${control.id}-label`).textContent = term("setting", name);
  }
  for (const [name, control] of controls) if (switches.includes(name)) {
    control.options[1].textContent = t("yes");
    control.options[2].textContent = t("no");
  }
  document.getElementById("in-size").value = catalogue.sizes.some((s) => s.gpu === state.settings.get("gpu")) ? state.settings.get("gpu") : "";
  for (const e of document.querySelectorAll("#inputs [data-t]")) e.textContent = t(e.dataset.t);
  controls.get("gpu").placeholder = t("common_sizes");
}

// assume shows in each control what was taken where nothing was said.
export function assume(list) {
  const taken = new Map(list.map((a) => [a.setting, a.value]));
  for (const [name, control] of controls) {
    if (name === "model" || name === "gpu") continue;
    const value = taken.get(name) ?? "";
    if (control.tagName === "SELECT") control.options[0].textContent = value ? t("default_is", { value }) : t("default");
    else control.placeholder = value;
  }
  const model = catalogue.models.find((m) => m.id === state.settings.get("model"));
  document.getElementById("in-model-note").textContent = state.config ? t("from_config") : model ? `${model.name} · ${model.extra}` : "";
  const gpu = catalogue.gpus.find((g) => g.id === state.settings.get("gpu"));
  document.getElementById("in-gpu-note").textContent = gpu ? `${gpu.name} · ${gpu.extra}` : "";
}
