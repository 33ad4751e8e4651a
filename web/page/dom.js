// Elements without markup: what comes from outside is only ever text.

export function h(name, attributes = {}, ...children) {
  return put(document.createElement(name), attributes, children);
}

export function svg(name, attributes = {}, ...children) {
  return put(document.createElementNS("http://www.w3.org/2000/svg", name), attributes, children);
}

function put(element, attributes, children) {
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else if (value !== undefined && value !== null && value !== false) element.setAttribute(key, value === true ? "" : value);
  }
  element.append(...children.filter((c) => c !== null && c !== undefined && c !== ""));
  return element;
}

// renew gives an element new children. Where one of the old ones has the focus,
// the new one with the same data-key gets it, or else the answer does: who
// works by keyboard is not thrown back to the top of the page.
export function renew(element, ...children) {
  const focused = document.activeElement;
  const within = focused !== element && element.contains(focused);
  const key = focused?.dataset.key;
  element.replaceChildren(...children);
  if (!within) return;
  const same = [...element.querySelectorAll("[data-key]")].find((e) => e.dataset.key === key);
  (same ?? document.getElementById("verdict")).focus({ preventScroll: same !== undefined });
}

// table draws rows of text or elements under headings; the first cell of a row
// is its heading.
export function table(caption, heads, rows) {
  return h("table", {},
    h("caption", { class: "hidden" }, caption),
    h("thead", {}, h("tr", {}, ...heads.map((text) => h("th", { scope: "col" }, text)))),
    h("tbody", {}, ...rows.map(({ cells, state }) => h("tr", { "data-state": state },
      ...cells.map((cell, i) => (i === 0 ? h("th", { scope: "row" }, cell) : h("td", {}, cell)))))));
}
