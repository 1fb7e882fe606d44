import { CATALOGUE, currentLanguage, t } from "./strings.js";

/** What somebody did, in words that follow the name: by `did_<action>_<argument>`, else `did_<action>`, else the id. */
export function phraseOfDeed(name, given) {
  const known = CATALOGUE[currentLanguage()];
  const values = Object.values(given);
  const special = values.map((value) => `did_${name}_${value}`).find((key) => key in known);
  if (special) return t(special);
  const item = values.map((value) => known[`item_${value}`]).find(Boolean) ?? "";
  return `did_${name}` in known ? t(`did_${name}`, { item }) : name;
}
