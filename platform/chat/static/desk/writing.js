import { byId } from "../chat/dom.js";
import { make } from "../members/make.js";
import { announce } from "./frame.js";
import { label, t } from "./strings.js";

const TALLEST_PX = 224;
const TYPING_EVERY_MS = 3000;
// A reply that is nothing but a slash and a word looks for a canned one.
const SLASH = /^\/([\p{L}\p{N}_\-]*)$/u;

/** The box in which an agent answers or writes a note. What is written for each conversation is kept. */
export class Writing {
  /** `onSend(mode, text)`, `onTyping()`, `findCanned(word)`: the replies that fit, best first. */
  constructor({ memory, onSend, onTyping, findCanned }) {
    Object.assign(this, { memory, onSend, onTyping, findCanned, mode: "reply", canReply: false, id: null });
    this.box = byId("text");
    this.canned = byId("canned");
    this.box.addEventListener("input", () => this.#typed());
    this.box.addEventListener("keydown", (event) => this.#keyDown(event));
    this.box.addEventListener("blur", () => setTimeout(() => this.#closeCanned(), 150));
    this.canned.addEventListener("mousedown", (event) => {
      event.preventDefault();
      this.#pick(event.target.closest("[role=option]"));
    });
    byId("mode-reply").addEventListener("click", () => this.write("reply"));
    byId("mode-note").addEventListener("click", () => this.write("note"));
    byId("canned-open").addEventListener("click", () => this.#openCanned());
    byId("writing").addEventListener("submit", (event) => {
      event.preventDefault();
      this.#submit();
    });
  }

  /** Turn to a conversation. `hint`: why no reply can be written; null where one can. */
  show(id, { hint }) {
    if (this.id !== id) {
      this.id = id;
      this.box.value = this.memory.read(`draft.${id}`, "");
      this.#closeCanned();
      this.mode = hint === null ? "reply" : "note";
    } else if ((this.hint === null) !== (hint === null) && !this.box.value) {
      this.mode = hint === null ? "reply" : "note";
    }
    this.hint = hint;
    this.refresh();
  }

  /** Begin to write a reply or a note. */
  write(mode) {
    this.mode = mode;
    this.refresh();
    this.box.focus();
  }

  /** Put a text into the box, in place of what is there. */
  put(text) {
    this.mode = "reply";
    this.box.value = text;
    this.#keep();
    this.refresh();
    this.box.focus();
    this.box.setSelectionRange(text.length, text.length);
  }

  get isEmpty() {
    return !this.box.value.trim();
  }

  refresh() {
    const isNote = this.mode === "note";
    const isShut = !isNote && this.hint !== null;
    byId("writing").classList.toggle("is-note", isNote);
    byId("mode-reply").setAttribute("aria-pressed", String(!isNote));
    byId("mode-note").setAttribute("aria-pressed", String(isNote));
    byId("writing-hint").textContent = this.hint ?? t("smallprint");
    for (const id of ["suggest", "canned-open"]) byId(id).hidden = isNote || isShut;
    this.box.disabled = isShut;
    this.box.placeholder = isShut ? "" : t(isNote ? "note_placeholder" : "reply_placeholder");
    byId("text-label").textContent = t(isNote ? "your_note" : "your_reply");
    label(byId("send"), t(isNote ? "send_note" : "send"));
    byId("send").disabled = isShut || this.isEmpty;
    this.#fit();
  }

  #typed() {
    this.#keep();
    byId("send").disabled = this.isEmpty;
    this.#fit();
    const slash = this.mode === "reply" && SLASH.exec(this.box.value);
    if (slash) this.#drawCanned(this.findCanned(slash[1]));
    else this.#closeCanned();
    if (this.mode === "reply" && !slash && !this.isEmpty && Date.now() - (this.typedAt ?? 0) > TYPING_EVERY_MS) {
      this.typedAt = Date.now();
      this.onTyping();
    }
  }

  #keep() {
    if (this.box.value) this.memory.write(`draft.${this.id}`, this.box.value);
    else this.memory.forget(`draft.${this.id}`);
  }

  /** Enter sends, but not the Enter that picks a word in an input method (229 is Safari's way to say so). */
  #keyDown(event) {
    if (event.isComposing || event.keyCode === 229) return;
    const options = this.canned.hidden ? [] : [...this.canned.querySelectorAll("[role=option]")];
    if (options.length && ["ArrowDown", "ArrowUp"].includes(event.key)) {
      event.preventDefault();
      this.#select(options, options.findIndex(isSelected) + (event.key === "ArrowDown" ? 1 : -1));
    } else if (options.length && ["Enter", "Tab"].includes(event.key)) {
      event.preventDefault();
      this.#pick(options.find(isSelected));
    } else if (event.key === "Escape" && !this.canned.hidden) {
      event.stopPropagation();
      this.#closeCanned();
    } else if (event.key === "Enter" && !event.shiftKey) {
      event.preventDefault();
      this.#submit();
    }
  }

  #submit() {
    const text = this.box.value.trim();
    if (!text || this.box.disabled) return;
    this.box.value = "";
    this.typedAt = 0;
    this.#keep();
    this.#closeCanned();
    this.refresh();
    this.onSend(this.mode, text);
  }

  #fit() {
    this.box.style.height = "auto";
    this.box.style.height = `${Math.min(this.box.scrollHeight, TALLEST_PX)}px`;
  }

  // --- Canned replies ----------------------------------------------------------------------------------------

  #openCanned() {
    this.box.focus();
    this.#drawCanned(this.findCanned(""));
  }

  #drawCanned(replies) {
    const options = replies.map((reply, at) =>
      make("li", { role: "option", id: `canned-${at}`, data: { text: reply.text }, aria: { selected: String(at === 0) } }, make("b", { textContent: `/${reply.shortcut}` }), make("span", { textContent: reply.text })),
    );
    const none = make("li", { className: "canned__none", textContent: t("canned_none"), role: "option", aria: { disabled: "true" } });
    this.canned.replaceChildren(...(options.length ? options : [none]));
    if (this.canned.hidden) announce(options.length ? t("canned_some", { count: options.length }) : t("canned_none"));
    this.canned.hidden = false;
    this.box.setAttribute("aria-activedescendant", options.length ? "canned-0" : "");
  }

  #select(options, at) {
    const to = (at + options.length) % options.length;
    options.forEach((option, place) => option.setAttribute("aria-selected", String(place === to)));
    options[to].scrollIntoView({ block: "nearest" });
    this.box.setAttribute("aria-activedescendant", options[to].id);
  }

  #pick(option) {
    if (option?.dataset.text === undefined) return;
    // What was begun is gone on with; a slash and a word are replaced.
    const begun = SLASH.test(this.box.value) ? "" : this.box.value;
    this.put(begun && !/\s$/.test(begun) ? `${begun} ${option.dataset.text}` : begun + option.dataset.text);
    this.#closeCanned();
  }

  #closeCanned() {
    this.canned.hidden = true;
    this.canned.replaceChildren();
    this.box.removeAttribute("aria-activedescendant");
  }
}

const isSelected = (option) => option.getAttribute("aria-selected") === "true";
