import { prefersStillness } from "./dom.js";

const NEAR_BOTTOM_PX = 64;

/** Keeps the newest message in view while the reader is at the bottom, and offers to jump there when not. */
export class Following {
  constructor(surface) {
    const [scroller, jump] = [surface.byId("scroll"), surface.byId("jump")];
    Object.assign(this, { scroller, jump, isAtBottom: true });
    scroller.addEventListener("scroll", () => this.#look(), { passive: true });
    jump.addEventListener("click", () => this.toBottom({ smooth: true }));
    // What is in view changes as pictures load, the window turns, or the keyboard opens.
    const observer = new ResizeObserver(() => this.isAtBottom && this.toBottom());
    observer.observe(scroller);
    observer.observe(scroller.firstElementChild);
  }

  /** Something new was added below. */
  grew() {
    if (this.isAtBottom) this.toBottom();
    else this.jump.hidden = false;
  }

  toBottom({ smooth = false } = {}) {
    this.isAtBottom = true;
    this.jump.hidden = true;
    const behavior = smooth && !prefersStillness() ? "smooth" : "instant";
    this.scroller.scrollTo({ top: this.scroller.scrollHeight, behavior });
  }

  #look() {
    const { scrollHeight, scrollTop, clientHeight } = this.scroller;
    this.isAtBottom = scrollHeight - scrollTop - clientHeight < NEAR_BOTTOM_PX;
    if (this.isAtBottom) this.jump.hidden = true;
  }
}
