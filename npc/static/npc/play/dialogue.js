import { byId, prefersStillness } from "../../chat/dom.js";
import { paintPortrait } from "./painting/people.js";
import { suggestionsFor } from "./phrases.js";
import { t } from "./strings.js";

const SUGGESTIONS = 5;

/** The talk with one character: the face, what was said, what could be said. Asks by `on.say(text)` and `on.leave()`. */
export class Dialogue {
  constructor(game, on) {
    Object.assign(this, { game, on, who: null, heard: new Map(), isWaiting: false, emotion: "neutral" });
    this.panel = byId("dialogue");
    this.lines = byId("dialogue-lines");
    this.box = byId("dialogue-text");
    byId("dialogue-form").addEventListener("submit", (event) => {
      event.preventDefault();
      this.#ask(this.box.value);
    });
    byId("dialogue-close").addEventListener("click", () => on.leave());
    this.panel.addEventListener("keydown", (event) => {
      if (event.key !== "Escape" || event.isComposing) return;
      event.stopPropagation();
      on.leave();
    });
  }

  get isOpen() {
    return this.who !== null;
  }

  async open(id) {
    this.who = id;
    this.lines.replaceChildren();
    this.suggest([]);
    byId("dialogue-name").textContent = this.game.character(id).name;
    this.panel.hidden = false;
    document.body.classList.add("is-talking");
    this.feel(this.game.story.emotions[id] ?? "neutral");
    this.focus();
  }

  /** To where one writes, but on a phone without calling up its keyboard. */
  focus() {
    if (matchMedia("(pointer: fine)").matches) this.box.focus();
    else this.panel.focus();
  }

  close() {
    this.who = null;
    this.panel.hidden = true;
    document.body.classList.remove("is-talking");
  }

  #ask(text) {
    const said = text.trim();
    if (!said || this.isWaiting) return;
    this.box.value = "";
    this.#heardBy(this.who).add(said);
    this.on.say(said);
  }

  #heardBy(id) {
    if (!this.heard.has(id)) this.heard.set(id, new Set());
    return this.heard.get(id);
  }

  /** While an answer is on its way nothing else is asked. */
  wait(isWaiting) {
    this.isWaiting = isWaiting;
    byId("dialogue-send").disabled = isWaiting;
    byId("dialogue-suggestions").classList.toggle("is-quiet", isWaiting);
    this.panel.setAttribute("aria-busy", String(isWaiting));
  }

  /** Add a line: what `you` or `they` say, a `deed`, a `refusal` or `trouble`. */
  add(kind, text) {
    const line = document.createElement("li");
    line.className = `line line--${kind}`;
    line.dir = "auto";
    line.textContent = text;
    this.lines.append(line);
    this.#scroll();
    return line;
  }

  /** Let the line of whom one talks to grow; null begins one. */
  grow(line, text) {
    const grown = line ?? this.add("they", "");
    grown.textContent = text;
    this.#scroll();
    return grown;
  }

  #scroll() {
    this.lines.scrollTop = this.lines.scrollHeight;
  }

  /** What went wrong, with a way to try again. */
  fail(text, retry) {
    const line = this.add("trouble", text);
    if (!retry) return;
    const button = document.createElement("button");
    button.type = "button";
    button.className = "link";
    button.textContent = t("retry");
    button.addEventListener("click", () => {
      line.remove();
      this.focus();
      retry();
    });
    line.append(" ", button);
  }

  feel(emotion) {
    this.emotion = emotion;
    byId("dialogue-mood").textContent = t(`emotion_${emotion}`);
    this.paint();
  }

  /** The face; `talking` from 0 to 1 opens its mouth. */
  paint(talking = 0) {
    if (!this.isOpen) return;
    const canvas = byId("portrait");
    const pen = canvas.getContext("2d");
    pen.setTransform(1, 0, 0, 1, 0, 0);
    pen.clearRect(0, 0, canvas.width, canvas.height);
    pen.scale(canvas.width, canvas.width);
    paintPortrait(pen, this.who, { emotion: this.emotion, talking: prefersStillness() ? 0 : talking });
  }

  offer(possible) {
    const smallTalk = this.game.character(this.who).small_talk;
    this.suggest(suggestionsFor({ possible, smallTalk, heard: this.#heardBy(this.who), limit: SUGGESTIONS }));
  }

  suggest(texts) {
    const list = byId("dialogue-suggestions");
    list.replaceChildren(
      ...texts.map((text) => {
        const item = document.createElement("li");
        const button = document.createElement("button");
        button.type = "button";
        button.className = "suggestion";
        button.textContent = text;
        button.addEventListener("click", () => {
          this.#ask(text);
          this.focus();
        });
        item.append(button);
        return item;
      }),
    );
    list.hidden = !texts.length;
  }
}
