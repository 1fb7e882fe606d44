import { codePoints } from "./transcript.js";

export const TEXT_LIMIT = 8000; // characters the server takes in one message
const COUNT_FROM = 7200;
const TALLEST_PX = 200;

/** The box that a message is written in. What is written survives a reload. */
export class Composer {
  /** `onSend(text)` gets what was written, `onInput` is called as soon as somebody writes. */
  constructor(surface, { memory, onSend, onEdit, onStop, onInput }) {
    Object.assign(this, { surface, memory, onSend, onEdit });
    this.box = surface.byId("composer-text");
    this.box.value = memory.read("draft", "");
    this.isAnswering = false;
    this.isOpen = true;
    /** The message that is being written anew, if one is. */
    this.edited = null;
    this.box.addEventListener("input", () => {
      if (!this.edited) memory.write("draft", this.box.value);
      this.refresh();
      onInput();
    });
    this.box.addEventListener("keydown", (event) => this.#keyDown(event));
    surface.byId("composer").addEventListener("submit", (event) => {
      event.preventDefault();
      this.#submit();
    });
    surface.byId("stop").addEventListener("click", onStop);
    surface.byId("editing-cancel").addEventListener("click", () => this.stopEditing());
    surface.listen(window, "resize", () => this.#fit());
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

  /** Write a message that was sent anew. */
  beginEditing(entry) {
    this.edited = entry;
    this.box.value = entry.text;
    this.refresh();
    this.box.focus();
  }

  /** Leave it as it is; what was being written before is there again. */
  stopEditing() {
    if (!this.edited) return;
    this.edited = null;
    this.box.value = this.memory.read("draft", "");
    this.refresh();
    this.box.focus();
  }

  /** `isAnswering`: the send button becomes a stop button. `canStop`: not while offline or stopping already. */
  setAnswering(isAnswering, canStop) {
    const [send, stop] = [this.surface.byId("send"), this.surface.byId("stop")];
    const hadFocus = this.surface.focused === stop;
    this.isAnswering = isAnswering;
    send.hidden = isAnswering;
    stop.hidden = !isAnswering;
    stop.disabled = !canStop;
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
    const counter = this.surface.byId("composer-count");
    counter.hidden = count < COUNT_FROM;
    counter.textContent = counter.hidden ? "" : this.surface.t(isTooLong ? "text_too_long" : "text_count", values);
    counter.classList.toggle("is-too-long", isTooLong);
    this.box.setAttribute("aria-invalid", String(isTooLong));
    this.surface.byId("editing").hidden = !this.edited;
    this.surface.byId("send").disabled = !this.isOpen || isTooLong || !this.box.value.trim();
    this.#fit();
  }

  /** Enter sends, but not the Enter that picks a word in an input method (229 is Safari's way to say so). */
  #keyDown(event) {
    if (event.key === "Escape" && this.edited) {
      event.stopPropagation();
      return this.stopEditing();
    }
    if (event.key !== "Enter" || event.shiftKey || event.isComposing || event.keyCode === 229) return;
    event.preventDefault();
    this.#submit();
  }

  #submit() {
    const text = this.box.value.trim();
    if (!text || !this.isOpen || codePoints(this.box.value) > TEXT_LIMIT) return;
    if (this.edited) {
      if (text === this.edited.text || this.onEdit(this.edited, text)) this.stopEditing();
      return;
    }
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
