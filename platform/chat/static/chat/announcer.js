const SENTENCE = /[\s\S]*?(?:[。！？…]+[”’」』）]*|[.!?]+["'”’)]*(?=\s)|\n)/y;
const KEPT = 20;

/**
 * Reads new messages to screen readers, an answer sentence by sentence: the visible list is not a live region,
 * because it changes with every token.
 */
export class Announcer {
  constructor(element) {
    this.element = element;
    this.spoken = new WeakMap();
  }

  /** Say whatever whole sentences are new in a growing answer; `isFinal` says the rest too. */
  follow(entry, { isFinal }) {
    const from = this.spoken.get(entry) ?? 0;
    const upTo = isFinal ? entry.text.length : endOfSentences(entry.text, from);
    if (upTo <= from) return;
    this.spoken.set(entry, upTo);
    this.say(entry.text.slice(from, upTo));
  }

  /** Take an answer as read, as when an old conversation is loaded. */
  skip(entry) {
    this.spoken.set(entry, Infinity);
  }

  say(text) {
    if (!text.trim()) return;
    const line = document.createElement("p");
    line.textContent = text.trim();
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
