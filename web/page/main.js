// Wires the page: inputs, the questions that a change asks, and the answers.

import { start, grow, ask, renew, current, now, workers } from "./engine.js";
import { state, said, set, reset, read, fragment, longestFile } from "./state.js";
import { speak, t, language } from "./words.js";
import { build, fill, assume } from "./inputs.js";
import * as draw from "./draw.js";
import { heat } from "./heat.js";
import { timeline } from "./timeline.js";
import { share } from "./share.js";

const get = (id) => document.getElementById(id);
const heatRows = 12;
let shown = null; // the view that is on the page
let first = true;

// answer asks everything that depends on the settings, the verdict first.
async function answer() {
  const mine = renew();
  history.replaceState(null, "", location.pathname + location.search + fragment());
  const what = said();
  const begun = performance.now();
  const view = await ask("view", what, "", true);
  if (!view || !current(mine)) return;
  if (view.error) {
    problem(view.error);
    return;
  }
  shown = view.ok;
  get("problem").textContent = "";
  get("answers").hidden = false;
  draw.view(shown, apply);
  assume(shown.assumptions);
  document.documentElement.dataset.answered = String(performance.now() - begun);
  if (first) {
    first = false;
    performance.mark("first-answer");
    await painted(); // before other workers start and the rest is asked
    grow();
  }
  if (current(mine)) rest(mine, what, shown.verdict.id);
}

// painted is when what was drawn is to be seen.
function painted() { return new Promise((resolve) => { requestAnimationFrame(() => setTimeout(resolve)); }); }

// rest fills what stands below the first answer.
async function rest(mine, what, gpu) {
  const begun = performance.now();
  const over = ask("timeline", what, gpu);
  const parts = workers();
  const rows = Promise.all(Array.from({ length: parts }, (_, i) => ask("heat", what, `${Math.floor(i * heatRows / parts)} ${Math.floor((i + 1) * heatRows / parts)} ${gpu}`)));
  const moments = await over;
  if (!current(mine) || !moments) return;
  timeline(moments);
  const cells = await rows;
  if (!current(mine) || cells.includes(null)) return;
  heat(cells, { batch: taken("micro-batch"), length: taken("seq-len") }, apply);
  document.documentElement.dataset.heat = String(performance.now() - begun);
  const [methods, gpus, command, seen] = await Promise.all([ask("methods", what, gpu), ask("gpus", what), ask("command", what), prices()]);
  if (!current(mine) || !methods || !gpus || !command) return;
  draw.methods(methods, apply);
  draw.gpus(gpus, seen, apply);
  get("command").textContent = command.ok || "";
  if (get("how").open) explain(mine);
  document.documentElement.dataset.complete = "yes";
}

// prices says when and where the GPUs' prices were seen; the first to ask reads it.
let pricesRead = null;
function prices() {
  pricesRead ??= own("prices.json").catch(() => {
    pricesRead = null; // next time, perhaps
    return {};
  });
  return pricesRead;
}

// taken is a setting's value, said or assumed.
function taken(name) { return state.settings.get(name) ?? shown.assumptions.find((a) => a.setting === name)?.value; }

async function explain(mine) {
  const found = await ask("explain", said());
  if (found && found.ok && current(mine)) draw.derivations(found.ok);
}

// problem says what is wrong; the numbers of another question go, and what was
// asked before does not come back over it.
function problem(error) {
  renew();
  if (get("answers").contains(document.activeElement)) get("verdict").focus();
  get("answers").hidden = true;
  get("verdict").dataset.state = "problem";
  get("verdict-line").textContent = t("no_answer");
  get("verdict-more").textContent = "";
  get("question").textContent = "";
  get("problem").textContent = error.hint ? `${error.problem} – ${error.hint}` : error.problem;
}

// apply sets some settings, as the page's buttons do.
function apply(settings) {
  for (const [name, value] of settings) set(name, value);
  fill();
  answer();
}

// change is one input's new value.
function change(name, text) {
  const value = text.trim();
  if (value === (state.settings.get(name) ?? "")) return;
  if (name === "model") {
    state.config = "";
    state.hub = false;
  }
  set(name, value);
  answer();
}

// takeFile reads a dropped or chosen config.json.
async function takeFile(file) {
  if (!file) return;
  if (file.size > longestFile) {
    tooLong(file.name);
    return;
  }
  try {
    takeConfig(file.name || "config.json", await file.text(), false);
  } catch {
    problem({ problem: t("file_unreadable", { name: file.name }), hint: "" });
  }
}

function tooLong(name) { problem({ problem: t("file_too_long", { name }), hint: "" }); }

function takeConfig(name, text, hub) {
  set("model", name);
  state.config = text || " ";
  state.hub = hub;
  fill();
  answer();
}

// fetchHub asks the Hub for the model that the input names; only a press of
// its button does.
async function fetchHub() {
  const name = state.settings.get("model") || "";
  if (!/^[\w.-]{1,96}\/[\w.-]{1,96}$/.test(name)) {
    problem({ problem: t("hub_name"), hint: "" });
    return;
  }
  const asked = now();
  try {
    const response = await fetch(`https://huggingface.co/${name}/resolve/main/config.json`, { credentials: "omit", referrerPolicy: "no-referrer" });
    if (!response.ok) throw new Error(String(response.status));
    const text = await shortText(response);
    if (current(asked)) takeConfig(name, text, true); // else something else was asked meanwhile
  } catch (error) {
    if (current(asked)) problem({ problem: t("hub_failed", { name, why: error.message }), hint: t("hub_hint") });
  }
}

// shortText is a response's text, read no further than a config.json is long.
async function shortText(response) {
  const decoder = new TextDecoder();
  let text = "";
  for (let part, reader = response.body.getReader(); !(part = await reader.read()).done;) {
    text += decoder.decode(part.value, { stream: true });
    if (text.length > longestFile) {
      reader.cancel();
      throw new Error(t("file_too_long", { name: "config.json" }));
    }
  }
  return text + decoder.decode();
}

function drop() {
  const over = (on) => document.body.classList.toggle("dropping", on);
  window.addEventListener("dragover", (e) => { e.preventDefault(); over(true); });
  window.addEventListener("dragleave", () => over(false));
  window.addEventListener("drop", (e) => {
    e.preventDefault();
    over(false);
    takeFile(e.dataTransfer.files[0]);
  });
  window.addEventListener("paste", (e) => {
    const text = e.clipboardData.getData("text");
    if (text.trimStart().startsWith("{")) {
      e.preventDefault();
      if (text.length > longestFile) tooLong("config.json");
      else takeConfig("config.json", text, false);
    }
  });
}

function fromLink() {
  const message = read(location.hash);
  if (message) {
    problem({ problem: t(message), hint: t("link_hint") });
    return;
  }
  if (state.settings.size === 0) reset();
  fill();
  answer();
}

function preferences() {
  get("theme").onchange = () => { document.documentElement.dataset.theme = get("theme").value; };
  get("language").onchange = async () => {
    await speak(get("language").value);
    fill();
    answer();
  };
  get("skip").onclick = (e) => { // the fragment is the settings'
    e.preventDefault();
    get("verdict").focus();
  };
  get("order").onchange = () => draw.reorder();
  get("all-gpus").onclick = () => draw.toggleAll();
  get("how").ontoggle = () => { if (get("how").open) explain(now()); };
  get("all-prices").ontoggle = () => { if (get("all-prices").open) draw.sources(); };
  get("reset").onclick = () => { reset(); fill(); answer(); };
  get("inputs").onsubmit = (e) => e.preventDefault();
}

// unable says that something of the page's own did not come, or not start.
function unable(error) { problem({ problem: t("no_wasm"), hint: String(error.message) }); }

// own reads one of the page's own files.
async function own(name) { return (await fetch(new URL(name, import.meta.url))).json(); }

async function main() {
  const query = new URLSearchParams(location.search);
  const embed = query.get("embed");
  if (embed) document.documentElement.dataset.embed = ["compare", "memory", "heat"].includes(embed) ? embed : "memory";
  const begun = start();
  preferences();
  drop();
  share(said, () => shown);
  try { // the words and what can be chosen come while the program loads
    const [choices] = await Promise.all([own("catalogue.json"), speak(query.get("lang"))]);
    get("language").value = language;
    build(choices, { change, takeFile, fetchHub });
  } catch (error) {
    unable(error);
    return;
  }
  window.addEventListener("hashchange", fromLink);
  fromLink();
  begun.catch(unable);
  if ("serviceWorker" in navigator && !embed) navigator.serviceWorker.register("service-worker.js").catch(() => {});
}

main();
