// What the user said: settings in order, and the config.json that stands for
// the model. Everything from a link or a file is hostile until the estimator
// has read it; here it is only cut to size.

export const version = "1";
const longest = 8192; // letters of a fragment
export const longestFile = 4 << 20; // bytes of a config.json

export const state = { settings: new Map(), config: "", hub: false };

export function reset() {
  state.settings = new Map([["model", "llama-7b"], ["method", "qlora"]]);
  state.config = "";
  state.hub = false;
}

export function said() { return { settings: [...state.settings], config: state.config, hub: state.hub }; }

export function set(name, value) {
  if (value === "") state.settings.delete(name); else state.settings.set(name, value);
}

export function fragment() {
  const parts = new URLSearchParams([["v", version], ...state.settings]);
  return "#" + parts.toString();
}

// read takes a fragment over; it returns the key of a message, or "".
export function read(text) {
  if (text.length > longest) return "link_too_long";
  const parts = [...new URLSearchParams(text.replace(/^#/, ""))];
  if (parts.length === 0) return "";
  const [first] = parts;
  if (first[0] !== "v" || first[1] !== version) return "link_version";
  const settings = new Map();
  for (const [name, value] of parts.slice(1)) {
    if (settings.has(name)) return "link_twice";
    settings.set(name, value);
  }
  state.settings = settings;
  state.config = "";
  state.hub = false;
  return "";
}
