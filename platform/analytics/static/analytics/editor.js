import { announce } from "./frame.js";
import { make } from "./dom.js";
import { completionsAt } from "./sql.js";
import { t } from "./strings.js";

let editors = 0;

/**
 * A box for SQL that knows the dataset's tables. What fits is offered while one writes, or with Ctrl+Space; arrows
 * choose, Enter or Tab takes, Escape sends it away. Ctrl+Enter runs.
 */
export class Editor {
  constructor({ sql, tables, onRun, label }) {
    Object.assign(this, { tables, onRun });
    const id = `completions-${(editors += 1)}`;
    this.box = make("textarea", {
      value: sql, spellcheck: false, autocapitalize: "off", dir: "ltr", maxLength: 16384,
      aria: { label, autocomplete: "list", controls: id, describedby: `${id}-help` },
    });
    this.list = make("ul", { className: "completions", id, role: "listbox", hidden: true, aria: { label: t("completions") } });
    const help = make("p", { className: "quiet smallprint", id: `${id}-help`, textContent: t("editor_help") });
    this.element = make("div", { className: "editor" }, this.box, this.list, help);
    this.box.addEventListener("input", (event) => (event.inputType === "insertText" || event.inputType?.startsWith("insertComposition") ? this.#offer() : this.#close()));
    this.box.addEventListener("compositionend", () => this.#offer());
    this.box.addEventListener("keydown", (event) => this.#keyDown(event));
    this.box.addEventListener("blur", () => this.#close());
    this.list.addEventListener("pointerdown", (event) => {
      event.preventDefault(); // keep the focus where it is
      const option = event.target.closest("li");
      if (option) this.#take([...this.list.children].indexOf(option));
    });
  }

  get sql() {
    return this.box.value;
  }

  focus() {
    this.box.focus();
  }

  #keyDown(event) {
    if (event.isComposing) return;
    const isOpen = !this.list.hidden;
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      this.#close();
      this.onRun();
    } else if (event.key === " " && event.ctrlKey) {
      event.preventDefault();
      this.#offer({ isAsked: true });
    } else if (isOpen && KEYS[event.key]) {
      event.preventDefault();
      event.stopPropagation();
      KEYS[event.key](this);
    }
  }

  #offer({ isAsked = false } = {}) {
    const { from, word, options } = completionsAt(this.box.value, this.box.selectionStart, this.tables);
    const isBehindDot = /\.\s*$/.test(this.box.value.slice(0, this.box.selectionStart));
    if (options.length === 0 || (!isAsked && !word && !isBehindDot)) {
      this.#close();
      return;
    }
    Object.assign(this, { from, options });
    this.list.replaceChildren(...options.map((option, at) => make("li", { role: "option", id: `${this.list.id}-${at}` }, make("span", { textContent: option.text }), make("span", { textContent: option.note }))));
    this.list.hidden = false;
    this.#place();
    this.#choose(0);
    if (isAsked) announce(t("completions_found", { n: options.length }));
  }

  #choose(at) {
    const items = [...this.list.children];
    this.chosen = (at + items.length) % items.length;
    items.forEach((item, place) => item.setAttribute("aria-selected", place === this.chosen));
    items[this.chosen].scrollIntoView({ block: "nearest" });
    this.box.setAttribute("aria-activedescendant", items[this.chosen].id);
  }

  #take(at) {
    const { insert } = this.options[at];
    this.box.setRangeText(insert, this.from, this.box.selectionStart, "end");
    this.#close();
  }

  #close() {
    this.list.hidden = true;
    this.box.removeAttribute("aria-activedescendant");
  }

  /** Under the word that is being written. */
  #place() {
    const { x, y } = caretIn(this.box, this.from);
    this.list.style.top = `${Math.min(y, this.box.clientHeight) + 4}px`;
    this.list.style.left = `${Math.max(0, Math.min(x, this.box.clientWidth - this.list.offsetWidth))}px`;
  }

  static keys = {
    ArrowDown: (editor) => editor.#choose(editor.chosen + 1),
    ArrowUp: (editor) => editor.#choose(editor.chosen - 1),
    Enter: (editor) => editor.#take(editor.chosen),
    Tab: (editor) => editor.#take(editor.chosen),
    Escape: (editor) => editor.#close(),
  };
}

const KEYS = Editor.keys;
const OF_THE_BOX = ["fontFamily", "fontSize", "lineHeight", "padding", "border", "letterSpacing", "tabSize", "boxSizing"];

/** Where a character of a textarea stands in it, in pixels, at the foot of its line: a twin with the same text tells. */
function caretIn(box, at) {
  const style = getComputedStyle(box);
  const twin = make("div");
  for (const name of OF_THE_BOX) twin.style[name] = style[name];
  Object.assign(twin.style, { position: "absolute", visibility: "hidden", whiteSpace: "pre-wrap", overflowWrap: "break-word", width: `${box.offsetWidth}px` });
  const mark = make("span", { textContent: "\u200b" });
  twin.append(box.value.slice(0, at), mark);
  box.after(twin);
  const place = { x: mark.offsetLeft, y: mark.offsetTop + mark.offsetHeight - box.scrollTop };
  twin.remove();
  return place;
}
