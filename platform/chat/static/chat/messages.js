import { answerFragment, citationButton, citedIn } from "./answer.js";
import { drawAvatar, showText } from "./dom.js";

const COPIED_FOR_MS = 1600;
const NOTES = { stopped: "answer_stopped", length: "answer_length", filtered: "answer_filtered" };

/**
 * Draws the entries of a transcript as a list. `actions` has one function for each button:
 * `cite(entry, n, button)`, `retry(entry)`, `rate(entry, rating, comment)`, `copy(entry)` (a promise), `resend(entry)`,
 * `edit(entry)` of a message that was refused, `change(entry)` of one that was sent.
 */
export class MessagesView {
  constructor(surface, persona, actions) {
    Object.assign(this, { surface, persona, actions, list: surface.byId("messages"), views: new Map() });
    this.list.addEventListener("click", (event) => this.#clicked(event.target));
    this.list.addEventListener("submit", (event) => this.#commented(event));
  }

  /** Draw what changed. `context` has `isConnected`, and `editable`: the entry that may be said anew. */
  render(entries, changed, context) {
    for (const entry of changed) this.views.get(entry)?.update(entry, context);
    const elements = entries.map((entry) => this.#viewOf(entry, context).element);
    this.#arrange(elements);
  }

  /** Forget what was drawn, so that the next `render` draws everything anew. */
  reset() {
    this.views.clear();
    this.list.replaceChildren();
  }

  #viewOf(entry, context) {
    let view = this.views.get(entry);
    if (!view) {
      view = new VIEWS[entry.kind](this.surface, this.persona);
      view.update(entry, context);
      this.views.set(entry, view);
    }
    return view;
  }

  /** Make the list hold exactly `elements`, moving only those that are out of place. */
  #arrange(elements) {
    const wanted = new Set(elements);
    for (const [entry, { element }] of this.views) {
      if (wanted.has(element)) continue;
      element.remove();
      this.views.delete(entry);
    }
    elements.forEach((element, at) => {
      const there = this.list.children[at];
      if (there !== element) this.list.insertBefore(element, there ?? null);
    });
  }

  #clicked(target) {
    const button = target.closest("button");
    const element = target.closest("li.message");
    if (!button || !element) return;
    const [entry, view] = [...this.views].find(([, view]) => view.element === element);
    if (button.dataset.n) return this.actions.cite(entry, Number(button.dataset.n), button);
    if (button.dataset.act === "copy") return this.#copy(entry, button);
    const rating = { up: 1, down: -1 }[button.dataset.act];
    if (rating) return this.actions.rate(entry, rating) && view.askWhy(rating);
    return this.actions[button.dataset.act]?.(entry);
  }

  /** What was wrong (or right) with an answer, in the visitor's words. */
  #commented(event) {
    event.preventDefault();
    const [entry, view] = [...this.views].find(([, view]) => view.element.contains(event.target));
    const comment = event.target.elements.comment.value.trim();
    if (!comment || this.actions.rate(entry, entry.rating, comment)) view.thank();
  }

  async #copy(entry, button) {
    if (!(await this.actions.copy(entry))) return;
    const { surface } = this;
    button.replaceChildren(surface.icon("done"));
    surface.label(button, "copied");
    setTimeout(() => {
      button.replaceChildren(surface.icon("copy"));
      surface.label(button, "copy");
    }, COPIED_FOR_MS);
  }
}

class UserView {
  constructor(surface) {
    this.surface = surface;
    this.element = surface.stamp("template-user");
    this.bubble = this.element.querySelector(".bubble");
    this.state = this.element.querySelector(".message__state");
    this.button = (act) => this.element.querySelector(`[data-act=${act}]`);
  }

  update(entry, { isConnected, editable }) {
    this.bubble.textContent = entry.text;
    this.element.dataset.state = entry.state;
    const isRefused = entry.state === "refused";
    for (const act of ["resend", "edit"]) this.button(act).hidden = !isRefused;
    this.button("change").hidden = entry !== editable;
    clearTimeout(this.tick);
    if (isRefused) this.#sayWhyNot(entry.error);
    else if (entry.state === "sending") this.state.textContent = this.surface.t(isConnected ? "sending" : "waiting_to_send");
    else this.state.textContent = "";
  }

  /** One who was too fast is told when to try again, and cannot before. */
  #sayWhyNot(error) {
    const seconds = Math.ceil(((error.retryAt ?? 0) - Date.now()) / 1000);
    const { surface } = this;
    const why = seconds > 0 ? surface.t("error_wait", { seconds }) : surface.explain(error);
    this.state.textContent = `${surface.t("not_sent")} ${why}`;
    this.button("resend").disabled = seconds > 0;
    if (seconds > 0) this.tick = setTimeout(() => this.#sayWhyNot(error), 1000);
  }
}

class AnswerView {
  constructor(surface, persona) {
    Object.assign(this, { surface, persona, say: (key, values) => surface.t(key, values) });
    this.element = surface.stamp("template-answer");
    const part = (selector) => this.element.querySelector(selector);
    this.author = part(".message__author bdi");
    this.avatar = part(".avatar");
    this.typing = part(".message__typing");
    this.answer = part(".answer");
    this.aftermath = part(".aftermath");
    this.sources = part(".sources");
    this.doubt = part(".doubt");
    this.actions = part(".actions");
    this.comment = part(".comment");
    this.thanks = part(".thanks");
    this.time = part("time");
  }

  update(entry, { isConnected }) {
    this.element.dataset.state = entry.state;
    this.#updateAuthor(entry);
    this.typing.hidden = entry.state !== "running" || entry.text !== "";
    this.#updateAnswer(entry);
    this.#updateAftermath(entry, isConnected);
    this.#updateActions(entry, isConnected);
  }

  /** After a rating there is room for a word about it. */
  askWhy(rating) {
    const { comment, surface } = this;
    this.thanks.hidden = true;
    comment.hidden = false;
    const question = rating < 0 ? "what_was_wrong" : "what_was_good";
    comment.querySelector(".comment__label").textContent = surface.t(question);
    surface.label(comment.elements.comment, question);
    comment.elements.comment.focus();
  }

  thank() {
    this.comment.hidden = true;
    this.comment.reset();
    showText(this.thanks, this.surface.t("thanks"));
    this.actions.querySelector("[aria-pressed=true]")?.focus();
  }

  #updateAuthor({ author }) {
    const speaker = author ? { name: author } : this.persona;
    if (this.author.textContent === speaker.name) return;
    this.element.classList.toggle("message--person", Boolean(author));
    this.author.textContent = speaker.name;
    drawAvatar(this.avatar, speaker);
  }

  #updateAnswer(entry) {
    const { html, text, state, citations, claims } = entry;
    this.answer.hidden = !text;
    if (html && state === "done") {
      if (this.drawn === html && this.drawnClaims === claims) return;
      Object.assign(this, { drawn: html, drawnClaims: claims });
      this.answer.classList.remove("is-plain");
      this.answer.replaceChildren(answerFragment(html, citations, { text, claims, say: this.say }));
      this.doubt.hidden = !this.answer.querySelector(".claim--unsupported");
      this.#drawSources(citedIn(text, citations));
      return;
    }
    this.drawn = null;
    this.doubt.hidden = true;
    this.answer.classList.add("is-plain");
    this.#growPlainText(text);
    this.#drawSources([]);
  }

  /** Add only what is new, so that a selection in a growing answer holds. */
  #growPlainText(text) {
    const node = this.answer.firstChild;
    if (this.answer.childNodes.length === 1 && node instanceof Text && text.startsWith(node.data)) {
      node.appendData(text.slice(node.data.length));
    } else {
      this.answer.replaceChildren(text);
    }
  }

  #drawSources(citations) {
    const items = citations.map((citation) => {
      const item = document.createElement("li");
      const button = citationButton(citation, "", this.say);
      const number = Object.assign(document.createElement("span"), { className: "source__n", textContent: citation.n });
      const title = Object.assign(document.createElement("bdi"), { className: "source__title", textContent: citation.title });
      button.className = "source";
      button.append(number, title);
      item.append(button);
      return item;
    });
    this.sources.replaceChildren(...items);
    this.sources.hidden = items.length === 0;
  }

  /** What is to be said below an answer that did not come to its own end, and the way to another try. */
  #updateAftermath({ state, error, finishReason, isRetrying }, isConnected) {
    const hasFailed = state === "failed";
    const note = state === "done" && NOTES[finishReason] ? this.surface.t(NOTES[finishReason]) : null;
    const retry = this.aftermath.querySelector("button");
    this.aftermath.classList.toggle("is-failure", hasFailed && error.code !== "taken_over");
    showText(this.aftermath.querySelector("p"), hasFailed ? this.surface.explain(error) : note);
    this.aftermath.hidden = !hasFailed && !note;
    retry.hidden = !(hasFailed ? error.retryable : finishReason === "stopped");
    retry.disabled = !isConnected || Boolean(isRetrying);
  }

  #updateActions({ state, messageId, turnId, author, rating, createdAt, isRetrying }, isConnected) {
    this.actions.hidden = state !== "done" || !messageId;
    for (const [act, value] of [["up", 1], ["down", -1]]) {
      const button = this.actions.querySelector(`[data-act=${act}]`);
      button.hidden = Boolean(author);
      button.setAttribute("aria-pressed", String(rating === value));
    }
    const again = this.actions.querySelector("[data-act=retry]");
    again.hidden = Boolean(author) || !turnId;
    again.disabled = !isConnected || Boolean(isRetrying);
    if (createdAt) this.#showTime(new Date(createdAt));
  }

  #showTime(date) {
    const isToday = date.toDateString() === new Date().toDateString();
    this.time.dateTime = date.toISOString();
    this.time.textContent = date.toLocaleString(this.surface.language, {
      ...(isToday ? {} : { month: "short", day: "numeric" }),
      hour: "numeric",
      minute: "2-digit",
    });
  }
}

class StatusView {
  constructor(surface, persona) {
    Object.assign(this, { surface, persona });
    this.element = surface.stamp("template-status");
  }

  update(entry) {
    this.element.querySelector("bdi").textContent = statusText(entry, this.persona, this.surface);
  }
}

/** A status entry in words: why nobody comes says more than that the bot goes on. */
export function statusText({ handoff, agent, text, reason, until }, persona, surface) {
  if (!handoff) return text;
  const when = until && new Date(until).toLocaleString(surface.language, { weekday: "long", hour: "numeric", minute: "2-digit" });
  const keys = [when && `handoff_${reason}_until`, `handoff_${reason}`, `handoff_${handoff}`];
  const key = keys.find((each) => each && surface.knows(each));
  return surface.t(key, { agent: agent ?? surface.t("someone"), persona: persona.name, until: when });
}

const VIEWS = { user: UserView, answer: AnswerView, status: StatusView };
