import { prefersStillness } from "../../chat/dom.js";

const LETTERS_A_SECOND = 55;
// Who is far behind what was said hurries, so that a long speech is not waited for.
const LONGEST_LAG_S = 2;

/** Lets speech appear at the pace of reading, however it arrives. Calls `show(text, isWhole)`. */
export class Typing {
  constructor(show) {
    Object.assign(this, { show, letters: [], shown: 0, hasEnded: false, isDone: false, at: performance.now() });
    this.whole = new Promise((resolve) => (this.resolve = resolve));
  }

  /** A piece of speech; `offset` counts the code points before it. */
  hear(offset, text) {
    this.letters = [...this.letters.slice(0, offset), ...text];
    this.tick();
  }

  /** All that was said. */
  end(text) {
    this.letters = [...text];
    this.hasEnded = true;
    this.tick();
  }

  /** Show at once what there is, and nothing more. */
  finish() {
    this.hasEnded = true;
    this.shown = this.letters.length;
    this.#tell();
  }

  /** Let time pass. */
  tick() {
    const now = performance.now();
    const speed = Math.max(LETTERS_A_SECOND, (this.letters.length - this.shown) / LONGEST_LAG_S);
    const more = prefersStillness() ? Infinity : ((now - this.at) / 1000) * speed;
    this.at = now;
    if (this.isDone || (this.shown >= this.letters.length && !this.hasEnded)) return;
    this.shown = Math.min(this.letters.length, this.shown + more);
    this.#tell();
  }

  #tell() {
    if (this.isDone) return;
    this.isDone = this.hasEnded && this.shown >= this.letters.length;
    if (this.letters.length) this.show(this.letters.slice(0, Math.ceil(this.shown)).join(""), this.isDone);
    if (this.isDone) this.resolve();
  }
}
