import { byId } from "./dom.js";
import { currentLanguage, languageFor, pickLanguage, setLanguage, translate } from "./strings.js";

const LANGUAGE_KEY = "troupe.language";
const THEME_KEY = "troupe.theme";

/** The language of the page: as the address says, as chosen before, or as the browser prefers. */
export function startLanguage({ onChange }) {
  const asked = new URLSearchParams(location.search).get("lang");
  setLanguage(pickLanguage([languageFor(asked), recall(LANGUAGE_KEY), ...navigator.languages]));
  translate(document);
  byId("language").addEventListener("click", () => {
    setLanguage(currentLanguage() === "en" ? "zh-Hans" : "en");
    keep(LANGUAGE_KEY, currentLanguage());
    translate(document);
    onChange();
  });
}

/** The theme button: the other theme than the one shown. Choosing what the system has follows the system again. */
export function startTheme() {
  const system = matchMedia("(prefers-color-scheme: dark)");
  byId("theme").addEventListener("click", () => {
    const root = document.documentElement;
    const systemTheme = system.matches ? "dark" : "light";
    const next = (root.dataset.theme ?? systemTheme) === "dark" ? "light" : "dark";
    if (next === systemTheme) delete root.dataset.theme;
    else root.dataset.theme = next;
    keep(THEME_KEY, root.dataset.theme ?? null);
  });
}

function recall(key) {
  try {
    return localStorage.getItem(key);
  } catch {
    return null;
  }
}

function keep(key, value) {
  try {
    if (value === null) localStorage.removeItem(key);
    else localStorage.setItem(key, value);
  } catch {
    // Storage is closed to this page: the choice holds until it is left.
  }
}
