import { statusText } from "./messages.js";

const SENTENCE = /[\s\S]*?(?:[。！？…]+[”’」』）]*|[.!?]+["'”’)]*(?=\s)|\n)/y;
// Marks of citations and of Markdown.
const UNSPOKEN = /\[\d+(?:\s*,\s*\d+)*\]|[*_`#>|]+/g;
const KEPT = 20;

/**
 * Reads new messages to screen readers, an answer sentence by sentence: the visible list is not a live region,
 * because it changes with every token.
 */
export class Announcer {
  constructor(surface, persona) {
    Object.assign(this, { surface, persona, element: surface.byId("announcer") });
    this.spoken = new WeakMap();
  }

  /** Say what is new about an entry. What is no news, as in an old conversation, counts as said. */
  heed(entry, { isNews }) {
    if (entry.kind === "answer") this.#follow(entry, isNews);
    else if (entry.kind === "status" && isNews) this.#once(entry, statusText(entry, this.persona, this.surface));
  }

  #follow(entry, isNews) {
    const { text, state } = entry;
    const from = this.spoken.get(entry) ?? 0;
    const upTo = state === "running" ? endOfSentences(text, from) : text.length;
    this.spoken.set(entry, Math.max(from, upTo));
    if (isNews && upTo > from) this.say(text.slice(from, upTo));
    if (isNews && state === "failed") this.#once(entry.error, this.surface.explain(entry.error));
  }

  #once(thing, text) {
    if (!this.spoken.has(thing)) this.say(text);
    this.spoken.set(thing, text.length);
  }

  say(text) {
    const words = text.replace(UNSPOKEN, " ").trim();
    if (!words) return;
    const line = document.createElement("p");
    line.textContent = words;
    this.element.append(line);
    while (this.element.childElementCount > KEPT) this.element.firstElementChild.remove();
  }
}

/** Where the last whole sentence behind `from` ends; `from` if none does yet. */
export function endOfSentences(text, from) {
  SENTENCE.lastIndex = from;
  let end = from;
  while (SENTENCE.test(text)) end = SENTENCE.lastIndex;
  return end;
}
