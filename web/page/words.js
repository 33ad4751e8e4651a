// The page's words, one file a language.

const languages = ["en", "zh"];
let words = {};
let english = {};

export let language = "en";

async function load(name) {
  const response = await fetch(new URL(`strings/${name}.json`, import.meta.url));
  return response.json();
}

export async function speak(wanted) {
  const short = String(wanted || navigator.language || "en").slice(0, 2);
  language = languages.includes(short) ? short : "en";
  if (!english.skip) english = await load("en");
  words = language === "en" ? english : await load(language);
  document.documentElement.lang = language;
  for (const e of document.querySelectorAll("[data-t]")) e.textContent = t(e.dataset.t);
  for (const e of document.querySelectorAll("[data-label]")) e.setAttribute("aria-label", t(e.dataset.label));
}

// t is the text of a key, its {names} filled in.
export function t(key, values = {}) {
  const text = words[key] ?? english[key] ?? key;
  return text.replace(/\{(\w+)\}/g, (_, name) => values[name] ?? "");
}

// term is a word of the estimator, translated where there is a translation.
export function term(group, word) {
  const key = `${group}.${word}`;
  return words[key] ?? english[key] ?? word.replaceAll("_", " ");
}

// slug is a word of the estimator as part of a class's name.
export function slug(key) { return key.replace(/[^a-z]+/g, "-"); }

// symbols tell verdicts apart without colour.
export const symbols = { fits: "✓", tight: "≈", "too-tight": "!", "too-big": "✕", refused: "–", unknown: "?" };

// anchor is how a label stands at a percentage of a chart, so as not to leave it.
export function anchor(x) { return x < 20 ? "start" : x > 80 ? "end" : "middle"; }
