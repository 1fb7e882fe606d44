import { answerFragment, citationButton, citedIn } from "../chat/answer.js";
import { make } from "../members/make.js";
import { explain, moment, t } from "./strings.js";

/**
 * Draws a thread as a list, touching only what changed. What customers and models wrote is put in as text, or as the
 * HTML that the server made safe.
 */
export class SaidList {
  /** `onAgain(entry)` and `onDiscard(entry)` are for what could not be sent. */
  constructor(list, { me, onCite, onAgain, onDiscard }) {
    Object.assign(this, { list, me, onCite, onAgain, onDiscard });
    this.drawn = new Map();
    list.addEventListener("click", (event) => this.#clicked(event));
  }

  clear() {
    this.drawn.clear();
    this.list.replaceChildren();
  }

  render(thread, isConnected) {
    this.entries = [...thread.entries, ...thread.pending];
    const elements = this.entries.map((entry) => this.#elementOf(entry, thread, isConnected));
    const wanted = new Set(elements);
    for (const [key, { element }] of this.drawn) {
      if (wanted.has(element)) continue;
      element.remove();
      this.drawn.delete(key);
    }
    elements.forEach((element, at) => {
      if (this.list.children[at] !== element) this.list.insertBefore(element, this.list.children[at] ?? null);
    });
  }

  #elementOf(entry, thread, isConnected) {
    const { kind, role, text, html, state, citations, feedback, trace, finishReason, handoff } = entry;
    const print = JSON.stringify([kind, role, text, html, state, citations?.length, feedback, trace, finishReason, handoff, state === "sending" && isConnected]);
    const known = this.drawn.get(entry.key);
    if (known?.print === print) return known.element;
    const element = kind === "status" ? statusLine(entry) : this.#saidLine(entry, thread.row, isConnected);
    element.dataset.key = entry.key;
    // A trace that was opened stays open.
    if (known?.element.querySelector("details")?.open) element.querySelector("details")?.setAttribute("open", "");
    known?.element.replaceWith(element);
    this.drawn.set(entry.key, { element, print });
    return element;
  }

  #saidLine(entry, row, isConnected) {
    const who = { user: row.visitor.name || t("about_visitor"), bot: row.persona.name }[entry.role] ?? (entry.author || this.me.name);
    const head =
      entry.role === "note"
        ? make("p", { className: "said__head", textContent: t("note_by", { author: who }) })
        : make("p", { className: "said__head" }, make("bdi", { textContent: who }));
    if (entry.createdAt) head.append(" ", make("time", { dateTime: entry.createdAt, textContent: moment(entry.createdAt) }));
    return make(
      "li",
      { className: `said said--${entry.role}`, data: { state: entry.state } },
      head,
      this.#text(entry),
      this.#sources(entry),
      this.#foot(entry, isConnected),
      entry.trace && traceOf(entry),
    );
  }

  #text({ html, text, state, role, citations, claims }) {
    if (state === "running" && !text) return make("p", { className: "said__text quiet", textContent: t("bot_writing") });
    if (!text) return null;
    const isMarkup = role === "bot" && html && state === "done";
    const box = make("div", { className: isMarkup ? "said__text answer" : "said__text is-plain", dir: "auto" });
    box.append(isMarkup ? answerFragment(html, citations, { text, claims }) : text);
    return box;
  }

  #sources({ role, state, text, citations }) {
    if (role !== "bot" || state !== "done" || !citations?.length) return null;
    const list = make("ul", { className: "sources", aria: { label: t("sources") } });
    list.append(...citedIn(text, citations).map((citation) => make("li", {}, sourceButton(citation))));
    return list;
  }

  #foot(entry, isConnected) {
    const { state, error, feedback, finishReason } = entry;
    const parts = [];
    if (state === "sending") parts.push(make("span", { className: "said__state", textContent: t(isConnected ? "sending" : "waiting_to_send") }));
    if (state === "refused") {
      parts.push(make("span", { className: "said__state", textContent: `${t("not_sent")} ${error}` }));
      for (const [act, key] of [["again", "send_again"], ["discard", "discard"]]) {
        parts.push(make("button", { type: "button", className: "link", data: { act }, textContent: t(key) }));
      }
    }
    if (state === "failed") parts.push(make("span", { className: "said__failure", textContent: error.code === "taken_over" ? t("answer_cut") : t("answer_failed", { why: explain(error) }) }));
    if (finishReason === "stopped" && state === "done") parts.push(make("span", { textContent: t("answer_stopped_here") }));
    if (feedback) parts.push(make("span", { textContent: t(feedback.rating > 0 ? "feedback_up" : "feedback_down") + (feedback.comment ? `: ${feedback.comment}` : "") }));
    return parts.length > 0 && make("p", { className: "said__foot" }, ...parts);
  }

  #clicked({ target }) {
    const entry = this.entries.find(({ key }) => key === target.closest("li[data-key]")?.dataset.key);
    const cite = target.closest("[data-n]");
    if (!entry) return;
    if (cite) this.onCite(entry, Number(cite.dataset.n), cite);
    else if (target.dataset.act === "again") this.onAgain(entry);
    else if (target.dataset.act === "discard") this.onDiscard(entry);
  }
}

/** A button with number and title that opens a source. */
export function sourceButton(citation) {
  const button = citationButton(citation, "");
  button.className = "source";
  button.append(make("span", { className: "source__n", textContent: citation.n }), make("bdi", { className: "source__title", textContent: citation.title }));
  return button;
}

function statusLine({ handoff, agent, createdAt }) {
  const text = t(`status_${handoff}`, { agent: agent ?? t("someone") });
  return make("li", { className: "status" }, make("bdi", { textContent: text }, createdAt ? make("span", { className: "visually-hidden", textContent: ` ${moment(createdAt)}` }) : null));
}

/** How an answer came about, in plain words. */
function traceOf({ trace, citations }) {
  const number = (value) => Number(value.toPrecision(2)).toString();
  const lines = [];
  if (trace.query) lines.push(t("trace_search", { query: trace.query, found: trace.found, cited: citations.length }));
  else lines.push(t("trace_no_search"));
  if (trace.best) lines.push(t("trace_best", { score: number(trace.best) }));
  lines.push(t("trace_model", { model: trace.model, route: trace.route, version: trace.version ?? t("trace_draft") }));
  if (trace.total_ms) lines.push(t("trace_time", { first: number((trace.first_token_ms ?? trace.total_ms) / 1000), total: number(trace.total_ms / 1000) }));
  lines.push(t("trace_tokens", { input: trace.input_tokens, output: trace.output_tokens }));
  return make("details", { className: "trace" }, make("summary", { textContent: t("trace") }), make("ul", {}, ...lines.map((textContent) => make("li", { textContent }))));
}
