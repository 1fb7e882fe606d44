import { byId } from "./dom.js";
import { t } from "./strings.js";
import { codePoints } from "./transcript.js";

export const TEXT_LIMIT = 8000; // characters the server takes in one message
const COUNT_FROM = 7200;
const TALLEST_PX = 200;

/** The box that a message is written in. What is written survives a reload. */
export class Composer {
  /** `onSend(text)` gets what was written, `onInput` is called as soon as somebody writes. */
  constructor({ memory, onSend, onStop, onInput }) {
    Object.assign(this, { memory, onSend });
    this.box = byId("composer-text");
    this.box.value = memory.read("draft", "");
    this.isAnswering = false;
    this.isOpen = true;
    this.box.addEventListener("input", () => {
      memory.write("draft", this.box.value);
      this.refresh();
      onInput();
    });
    this.box.addEventListener("keydown", (event) => this.#keyDown(event));
    byId("composer").addEventListener("submit", (event) => {
      event.preventDefault();
      this.#submit();
    });
    byId("stop").addEventListener("click", onStop);
    addEventListener("resize", () => this.#fit());
    this.refresh();
  }

  focus() {
    this.box.focus({ preventScroll: true });
  }

  /** Put a text back for editing. */
  edit(text) {
    this.box.value = text;
    this.memory.write("draft", text);
    this.refresh();
    this.box.focus();
  }

  /** `isAnswering`: the send button becomes a stop button. `canStop`: not while offline or stopping already. */
  setAnswering(isAnswering, canStop) {
    const hadFocus = document.activeElement === byId("stop");
    this.isAnswering = isAnswering;
    byId("send").hidden = isAnswering;
    byId("stop").hidden = !isAnswering;
    byId("stop").disabled = !canStop;
    if (hadFocus && (!isAnswering || !canStop)) this.box.focus();
  }

  /** Close the box for good, as when the chat was taken down. */
  setOpen(isOpen) {
    this.isOpen = isOpen;
    this.box.disabled = !isOpen;
    this.refresh();
  }

  refresh() {
    const count = codePoints(this.box.value);
    const isTooLong = count > TEXT_LIMIT;
    const values = { count: count.toLocaleString(), limit: TEXT_LIMIT.toLocaleString() };
    const counter = byId("composer-count");
    counter.hidden = count < COUNT_FROM;
    counter.textContent = counter.hidden ? "" : t(isTooLong ? "text_too_long" : "text_count", values);
    counter.classList.toggle("is-too-long", isTooLong);
    this.box.setAttribute("aria-invalid", String(isTooLong));
    byId("send").disabled = !this.isOpen || isTooLong || !this.box.value.trim();
    this.#fit();
  }

  /** Enter sends, but not the Enter that picks a word in an input method (229 is Safari's way to say so). */
  #keyDown(event) {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing || event.keyCode === 229) return;
    event.preventDefault();
    this.#submit();
  }

  #submit() {
    const text = this.box.value.trim();
    if (!text || !this.isOpen || codePoints(this.box.value) > TEXT_LIMIT) return;
    this.onSend(text);
    this.box.value = "";
    this.memory.forget("draft");
    this.refresh();
  }

  #fit() {
    this.box.style.height = "auto";
    this.box.style.height = `${Math.min(this.box.scrollHeight, TALLEST_PX)}px`;
  }
}
