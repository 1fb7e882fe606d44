import { answerFragment, citationButton, citedIn } from "./answer.js";
import { drawAvatar, icon, showText, stamp } from "./dom.js";
import { currentLanguage, explain, label, t } from "./strings.js";

const COPIED_FOR_MS = 1600;
const NOTES = { stopped: "answer_stopped", length: "answer_length", filtered: "answer_filtered" };

/**
 * Draws the entries of a transcript as a list. `actions` has one function for each button:
 * `cite(entry, n, button)`, `retry(entry)`, `rate(entry, rating)`, `copy(entry)` (a promise), `resend(entry)`, `edit(entry)`.
 */
export class MessagesView {
  constructor(list, persona, actions) {
    Object.assign(this, { list, persona, actions, views: new Map() });
    list.addEventListener("click", (event) => this.#clicked(event.target));
  }

  /** Draw what changed. `context` has `isConnected`. */
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
      view = new VIEWS[entry.kind](this.persona);
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
    const entry = [...this.views].find(([, view]) => view.element === element)[0];
    if (button.dataset.n) return this.actions.cite(entry, Number(button.dataset.n), button);
    if (button.dataset.act === "copy") return this.#copy(entry, button);
    if (button.dataset.act === "up") return this.actions.rate(entry, 1);
    if (button.dataset.act === "down") return this.actions.rate(entry, -1);
    return this.actions[button.dataset.act]?.(entry);
  }

  async #copy(entry, button) {
    if (!(await this.actions.copy(entry))) return;
    button.replaceChildren(icon("done"));
    label(button, t("copied"));
    setTimeout(() => {
      button.replaceChildren(icon("copy"));
      label(button, t("copy"));
    }, COPIED_FOR_MS);
  }
}

class UserView {
  constructor() {
    this.element = stamp("template-user");
    this.bubble = this.element.querySelector(".bubble");
    this.state = this.element.querySelector(".message__state");
    this.buttons = this.element.querySelectorAll("[data-act]");
  }

  update(entry, { isConnected }) {
    this.bubble.textContent = entry.text;
    this.element.dataset.state = entry.state;
    const isRefused = entry.state === "refused";
    for (const button of this.buttons) button.hidden = !isRefused;
    if (isRefused) this.state.textContent = `${t("not_sent")} ${explain(entry.error)}`;
    else if (entry.state === "sending") this.state.textContent = t(isConnected ? "sending" : "waiting_to_send");
    else this.state.textContent = "";
  }
}

class AnswerView {
  constructor(persona) {
    this.persona = persona;
    this.element = stamp("template-answer");
    const part = (selector) => this.element.querySelector(selector);
    this.author = part(".message__author bdi");
    this.avatar = part(".avatar");
    this.typing = part(".message__typing");
    this.answer = part(".answer");
    this.aftermath = part(".aftermath");
    this.sources = part(".sources");
    this.actions = part(".actions");
    this.time = part("time");
  }

  update(entry, { isConnected }) {
    this.element.dataset.state = entry.state;
    this.#updateAuthor(entry);
    this.typing.hidden = entry.state !== "running" || entry.text !== "";
    this.#updateAnswer(entry);
    this.#updateAftermath(entry, isConnected);
    this.#updateActions(entry);
  }

  #updateAuthor({ author }) {
    const speaker = author ? { name: author } : this.persona;
    if (this.author.textContent === speaker.name) return;
    this.element.classList.toggle("message--person", Boolean(author));
    this.author.textContent = speaker.name;
    drawAvatar(this.avatar, speaker);
  }

  #updateAnswer({ html, text, state, citations }) {
    this.answer.hidden = !text;
    if (html && state === "done") {
      if (this.drawn === html) return;
      this.drawn = html;
      this.answer.classList.remove("is-plain");
      this.answer.replaceChildren(answerFragment(html, citations));
      this.#drawSources(citedIn(text, citations));
      return;
    }
    this.drawn = null;
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
      const button = citationButton(citation, "");
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
    const note = state === "done" && NOTES[finishReason] ? t(NOTES[finishReason]) : null;
    const retry = this.aftermath.querySelector("button");
    this.aftermath.classList.toggle("is-failure", hasFailed && error.code !== "taken_over");
    showText(this.aftermath.querySelector("p"), hasFailed ? explain(error) : note);
    this.aftermath.hidden = !hasFailed && !note;
    retry.hidden = !(hasFailed ? error.retryable : finishReason === "stopped");
    retry.disabled = !isConnected || Boolean(isRetrying);
  }

  #updateActions({ state, messageId, author, rating, createdAt }) {
    this.actions.hidden = state !== "done" || !messageId;
    for (const [act, value] of [["up", 1], ["down", -1]]) {
      const button = this.actions.querySelector(`[data-act=${act}]`);
      button.hidden = Boolean(author);
      button.setAttribute("aria-pressed", String(rating === value));
    }
    if (createdAt) this.#showTime(new Date(createdAt));
  }

  #showTime(date) {
    const isToday = date.toDateString() === new Date().toDateString();
    this.time.dateTime = date.toISOString();
    this.time.textContent = date.toLocaleString(currentLanguage(), {
      ...(isToday ? {} : { month: "short", day: "numeric" }),
      hour: "numeric",
      minute: "2-digit",
    });
  }
}

class StatusView {
  constructor(persona) {
    this.persona = persona;
    this.element = stamp("template-status");
  }

  update(entry) {
    this.element.querySelector("bdi").textContent = statusText(entry, this.persona);
  }
}

/** A status entry in words. */
export function statusText({ handoff, agent, text }, persona) {
  if (!handoff) return text;
  return t(`handoff_${handoff}`, { agent: agent ?? t("someone"), persona: persona.name });
}

const VIEWS = { user: UserView, answer: AnswerView, status: StatusView };
