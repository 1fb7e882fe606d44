import { prefersStillness } from "./dom.js";
import { quotedRanges } from "./quotes.js";

const NARROW = "(max-width: 760px)";

/**
 * The panel that shows a cited passage: beside the conversation where there is room, else a sheet over it. The
 * words that the answer took from it are marked.
 */
export class PassagePanel {
  /** `mayCover`: a sheet lies over the whole window where that is narrow; a widget's stays within its panel. */
  constructor(surface, { mayCover }) {
    this.surface = surface;
    this.dialog = surface.byId("passage");
    this.opener = null;
    const narrow = matchMedia(NARROW);
    this.isModal = () => mayCover && narrow.matches;
    surface.byId("passage-close").addEventListener("click", () => this.close());
    surface.byId("passage-previous").addEventListener("click", () => this.#step(-1));
    surface.byId("passage-next").addEventListener("click", () => this.#step(1));
    this.dialog.addEventListener("cancel", (event) => this.#closeInstead(event));
    this.dialog.addEventListener("click", (event) => event.target === this.dialog && this.close());
    surface.root.addEventListener("keydown", (event) => {
      if (event.key === "Escape" && this.dialog.open && !surface.root.querySelector("dialog:modal")) this.#closeInstead(event);
    });
    if (mayCover) surface.listen(narrow, "change", () => this.dialog.open && this.#present());
  }

  /** Show source `n` of an answer. `opener` gets the focus back. */
  open({ answer, citations, n, opener }) {
    this.opener?.removeAttribute("aria-expanded");
    opener.setAttribute("aria-expanded", "true");
    Object.assign(this, { answer, citations, opener });
    this.position = citations.findIndex((citation) => citation.n === n);
    this.#present();
    this.#draw();
    this.surface.byId("passage-title").focus();
  }

  close() {
    if (!this.dialog.open) return;
    this.dialog.close();
    this.opener.removeAttribute("aria-expanded");
    this.opener.focus();
    this.opener = null;
  }

  /** Draw again, as after a change of language. */
  refresh() {
    if (this.dialog.open) this.#draw();
  }

  #closeInstead(event) {
    event.preventDefault();
    event.stopPropagation();
    this.close();
  }

  #present() {
    if (this.dialog.open) this.dialog.close();
    if (this.isModal()) this.dialog.showModal();
    else this.dialog.show();
  }

  #step(by) {
    this.position = (this.position + by + this.citations.length) % this.citations.length;
    this.#draw();
  }

  #draw() {
    const { surface } = this;
    const byId = (id) => surface.byId(id);
    const citation = this.citations[this.position];
    const total = this.citations.length;
    byId("passage-count").textContent = surface.t("source_count", { n: citation.n, position: this.position + 1, total });
    for (const id of ["passage-previous", "passage-next"]) byId(id).hidden = total < 2;
    byId("passage-title").querySelector("bdi").textContent = citation.title;
    byId("passage-where").replaceChildren(...whereabouts(citation, surface));
    const marks = fillMarked(byId("passage-text"), citation.text, quotedRanges(this.answer, citation.text));
    byId("passage-legend").hidden = marks.length === 0;
    byId("passage-body").scrollTop = 0;
    marks[0]?.scrollIntoView({ block: "nearest", behavior: prefersStillness() ? "auto" : "smooth" });
  }
}

/** Put `text` into `element` with `ranges` of it marked; returns the marks. */
function fillMarked(element, text, ranges) {
  element.replaceChildren();
  let from = 0;
  for (const [start, end] of ranges) {
    const mark = document.createElement("mark");
    mark.textContent = text.slice(start, end);
    element.append(text.slice(from, start), mark);
    from = end;
  }
  element.append(text.slice(from));
  return [...element.querySelectorAll("mark")];
}

function whereabouts({ page, url }, surface) {
  const parts = [];
  if (page) parts.push(surface.t("source_page", { page }));
  if (url && /^https?:/i.test(url)) {
    const link = document.createElement("a");
    Object.assign(link, { href: url, target: "_blank", rel: "noopener noreferrer nofollow", textContent: surface.t("source_open") });
    parts.push(...(parts.length ? [" · "] : []), link);
  }
  return parts;
}
