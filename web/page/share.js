// Copies and downloads an answer.

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

// standalone is the memory chart with its colours written into it.
function standalone() {
  const drawn = document.querySelector("#bar svg");
  const { width, height } = drawn.getBoundingClientRect();
  const copyOf = drawn.cloneNode(true);
  const from = drawn.querySelectorAll("*");
  copyOf.querySelectorAll("*").forEach((element, i) => {
    const style = getComputedStyle(from[i]);
    if (!element.getAttribute("fill")) element.setAttribute("fill", style.fill);
    element.setAttribute("stroke", style.stroke);
    element.setAttribute("stroke-width", style.strokeWidth);
    if (element.tagName === "text") element.setAttribute("font-family", "system-ui, sans-serif");
    if (element.tagName === "text") element.setAttribute("font-size", style.fontSize);
  });
  copyOf.setAttribute("xmlns", "http://www.w3.org/2000/svg");
  copyOf.setAttribute("width", width);
  copyOf.setAttribute("height", height);
  return { text: new XMLSerializer().serializeToString(copyOf), width, height };
}

async function download(kind) {
  const { text, width, height } = standalone();
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
