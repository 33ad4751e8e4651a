// A field that finds things by any of their names as one types: the pattern of
// an editable combobox with a list (ARIA practices). The list is made when it
// opens, so that starting does not wait for it.

import { h } from "./dom.js";

// combobox gives the field and its list. Things are {id, name, extra, find};
// choose takes what was typed or picked, several parted by commas where many.
export function combobox({ id, things, many, choose }) {
  const list = h("ul", { id: `${id}-list`, class: "finds", role: "listbox", hidden: true, "aria-labelledby": `${id}-label` });
  const input = h("input", {
    id, type: "text", role: "combobox", "aria-expanded": "false", "aria-controls": list.id, "aria-autocomplete": "list",
    autocomplete: "off", autocapitalize: "off", spellcheck: "false", enterkeyhint: "done",
  });
  let active = -1;

  const open = (found) => {
    list.replaceChildren(...found.map((thing, i) => option(thing, `${id}-${i}`, () => pick(thing.id))));
    list.hidden = found.length === 0;
    input.setAttribute("aria-expanded", String(!list.hidden));
    move(-1);
  };
  const close = () => {
    list.hidden = true;
    input.setAttribute("aria-expanded", "false");
    move(-1);
  };
  const move = (to) => {
    list.children[active]?.setAttribute("aria-selected", "false");
    active = to;
    const one = list.children[to];
    if (!one) {
      input.removeAttribute("aria-activedescendant");
      return;
    }
    one.setAttribute("aria-selected", "true");
    one.scrollIntoView({ block: "nearest" });
    input.setAttribute("aria-activedescendant", one.id);
  };
  const pick = (value) => {
    input.value = many ? input.value.replace(/[^,]*$/, value) : value;
    close();
    choose(input.value);
  };

  input.addEventListener("input", () => {
    open(search(things, last(input.value, many)));
    if (input.value === "" || things.some((thing) => thing.id === input.value)) choose(input.value);
  });
  input.addEventListener("change", () => choose(input.value));
  input.addEventListener("focus", () => input.select());
  input.addEventListener("click", () => open(things));
  input.addEventListener("blur", close);
  input.addEventListener("keydown", (e) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[e.key];
    if (step) {
      e.preventDefault();
      if (list.hidden) open(things);
      const count = list.children.length;
      if (count > 0) move(active < 0 ? (step > 0 ? 0 : count - 1) : (active + step + count) % count);
    } else if (e.key === "Enter") {
      e.preventDefault();
      if (active >= 0) list.children[active].click();
      else { close(); choose(input.value); }
    } else if (e.key === "Escape" && !list.hidden) {
      e.preventDefault();
      close();
    }
  });
  return h("div", { class: "combobox" }, input, list);
}

function option(thing, id, take) {
  return h("li", { id, role: "option", "aria-selected": "false", onmousedown: (e) => e.preventDefault(), onclick: take },
    h("span", {}, thing.name), h("span", { class: "quiet" }, thing.extra), h("code", { class: "quiet" }, thing.id));
}

// last is the word that is being typed.
function last(text, many) { return (many ? text.slice(text.lastIndexOf(",") + 1) : text).trim().toLowerCase(); }

// search finds what has every word in one of its names; what begins with the
// text stands first.
export function search(things, text) {
  const words = text.split(/\s+/);
  const found = things.filter((thing) => thing.id !== text && words.every((word) => thing.find.includes(word)));
  const exact = things.filter((thing) => thing.id === text);
  const begins = (thing) => thing.find.startsWith(text);
  return [...exact, ...found.filter(begins), ...found.filter((thing) => !begins(thing))];
}
