import { CATALOGUE, currentLanguage, t } from "./strings.js";

// What matters most to the story comes first.
const ORDER = ["ring_bell", "lead_to", "open", "teach_verse", "take", "promise", "give", "trade", "read_aloud", "ferry", "hum", "follow", "stay"];

/** What a player might say now: a phrase for each thing that the character could do, then small talk. At most `limit`. */
export function suggestionsFor({ possible, smallTalk, heard, limit }) {
  const isNew = (text) => !heard.has(text);
  const asked = possible
    .filter(({ name }) => ORDER.includes(name))
    .sort((one, other) => ORDER.indexOf(one.name) - ORDER.indexOf(other.name))
    .flatMap(phrasesFor);
  const newFirst = [...asked.filter(isNew), ...asked.filter((text) => !isNew(text))];
  return [...new Set([...newFirst.slice(0, limit - 1), ...smallTalk.filter(isNew)])].slice(0, limit);
}

function phrasesFor({ name, candidates }) {
  const [values = [""]] = Object.values(candidates);
  return values.map((value) => phrase(name, value)).filter(Boolean);
}

/** `say_<action>_<argument>`, else `say_<action>`; none for what nobody asks for. */
function phrase(name, value) {
  const known = CATALOGUE[currentLanguage()];
  const special = `say_${name}_${value}`;
  if (special in known) return t(special);
  const item = known[`item_${value}`] ?? "";
  return `say_${name}` in known ? t(`say_${name}`, { item }) : null;
}
