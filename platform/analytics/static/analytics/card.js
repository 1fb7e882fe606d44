import { announce, attempt, reasonOf, toast } from "./frame.js";
import { icon } from "../chat/dom.js";
import { button, make } from "./dom.js";
import { Editor } from "./editor.js";
import { Figure } from "./figure.js";
import { Grid } from "./grid.js";
import { saveQuestion } from "./saving.js";
import { addressOf, get, post, settings } from "./server.js";
import { sqlBlock } from "./sql.js";
import { moment, t } from "./strings.js";

const STEPS = ["queued", "writing", "checking", "running"];
const ENDED = new Set(["ready", "failed", "cancelled", "needs_clarification"]);
const LOOK_AGAIN_MS = 2000;

/** One question of a thread: how far it is, what is asked back, and its answer with all that can be done with it. */
export class Card {
  /** `tables()` gives the dataset's tables; `onEnd` is told when the question has come to an end, `onRetry` asks it anew.
   * `suggestions()` gives what can be asked instead, as items of a list. */
  constructor(question, { tables, onEnd, onRetry, suggestions }) {
    Object.assign(this, { tables, onEnd, onRetry, suggestions, wasOpen: false });
    this.element = make("article", { className: "answer-card", tabIndex: -1, data: { id: question.id } });
    this.show(question);
  }

  get isOver() {
    return ENDED.has(this.question.status);
  }

  show(question) {
    this.question = question;
    this.element.dataset.status = question.status;
    this.element.setAttribute("aria-busy", !this.isOver);
    const title = make("h2", { dir: "auto", textContent: question.question });
    this.element.setAttribute("aria-label", question.question);
    this.element.replaceChildren(title, ...this.#content());
    if (!this.isOver) this.#follow();
  }

  // --- Progress ----------------------------------------------------------------------------------------------

  #follow() {
    if (this.stream) return;
    this.stream = new EventSource(addressOf(`questions/${this.question.id}/events/`));
    const heard = (event) => this.#moved(JSON.parse(event.data).status);
    this.stream.addEventListener("status", heard);
    this.stream.addEventListener("error", () => {
      if (this.stream?.readyState !== EventSource.CLOSED) return; // the browser tries again by itself
      this.#stopFollowing();
      setTimeout(() => this.#fetch(), LOOK_AGAIN_MS);
    });
  }

  #stopFollowing() {
    this.stream?.close();
    this.stream = null;
  }

  #moved(status) {
    if (ENDED.has(status)) {
      this.#stopFollowing();
      this.#fetch();
    } else if (status !== this.question.status) {
      this.question.status = status;
      this.element.dataset.status = status;
      this.steps?.replaceWith((this.steps = this.#steps()));
      announce(t(`step_${status}`));
    }
  }

  async #fetch() {
    const hadFocus = this.element.contains(document.activeElement);
    await attempt(async () => {
      const question = await get(`questions/${this.question.id}/`);
      this.show(question);
      if (!this.isOver) return;
      if (hadFocus) this.element.focus();
      announce(spoken(question));
      this.onEnd(this);
    });
  }

  #steps() {
    const now = STEPS.indexOf(this.question.status);
    const className = (at) => (at < now ? "is-done" : at === now ? "is-now" : "");
    return make("ol", { className: "steps" }, ...STEPS.map((step, at) => make("li", { className: className(at), textContent: t(`step_${step}`) })));
  }

  async #cancel(pressed) {
    pressed.disabled = true;
    await attempt(() => post(`questions/${this.question.id}/cancel/`));
    this.#stopFollowing();
    this.element.focus();
    this.#fetch();
  }

  // --- Content -----------------------------------------------------------------------------------------------

  #content() {
    const { question } = this;
    if (!this.isOver) {
      this.steps = this.#steps();
      return [make("div", { className: "waiting" }, this.steps, button("cancel_question", { icon: "stop", onClick: (pressed) => this.#cancel(pressed) }))];
    }
    this.#stopFollowing();
    const contents = { ready: () => this.#answer(), failed: () => this.#failure(), cancelled: () => this.#cancelled(), needs_clarification: () => this.#askedBack() };
    return contents[question.status]();
  }

  #askedBack() {
    const { clarification } = this.question;
    const isConfirm = clarification.kind === "confirm";
    const choices = clarification.choices.map((choice, at) => {
      const pressed = make("button", { type: "button", className: isConfirm && at === 0 ? "button button--main" : "button", dir: "auto", textContent: choice });
      pressed.addEventListener("click", () => this.#choose(choice));
      return pressed;
    });
    const box = make("div", { className: "ask-back" },
      make("p", { dir: "auto", textContent: clarification.question }),
      clarification.explanation ? make("p", { className: "quiet", dir: "auto", textContent: clarification.explanation }) : null,
      make("div", { className: "choices", role: "group", aria: { label: clarification.question } }, ...choices));
    return [box, ...(isConfirm ? [this.#how({ isOpen: false })] : [])];
  }

  async #choose(choice) {
    this.element.focus();
    await attempt(async () => this.show(await post(`questions/${this.question.id}/clarify/`, { choice })));
  }

  #failure() {
    const { error } = this.question;
    const advice = t(`advice_${error?.code}`, {}, "");
    const box = make("div", { className: "failure" }, make("p", { dir: "auto", textContent: error?.detail || t("error_unknown") }));
    if (advice) box.append(make("p", { className: "quiet", textContent: advice }));
    const instead = error?.code === "needs_model" ? this.suggestions() : [];
    if (instead.length) box.append(make("p", { className: "quiet", textContent: t("ask_instead") }), make("ul", { className: "suggestions" }, ...instead));
    const deeds = make("div", { className: "deeds" }, button("ask_again", { icon: "retry", onClick: () => this.onRetry(this.question) }));
    return [box, ...(this.question.sql || this.question.attempts?.length ? [this.#how({ isOpen: false })] : []), deeds];
  }

  #cancelled() {
    return [make("p", { className: "quiet", textContent: t("was_cancelled") }), make("div", { className: "deeds" }, button("ask_again", { icon: "retry", onClick: () => this.onRetry(this.question) }))];
  }

  #answer() {
    const { question } = this;
    const parts = [];
    if (question.summary) parts.push(make("p", { className: "summary", dir: "auto", textContent: question.summary }));
    parts.push(...resultParts(question), this.#how({ isOpen: false }), this.#deeds());
    return parts;
  }

  // --- SQL ---------------------------------------------------------------------------------------------------

  /** How the answer was come by: in words, in SQL, what was tried before; and for editors a box to change it. */
  #how({ isOpen }) {
    const { question } = this;
    const how = make("details", { className: "how", open: isOpen }, make("summary", { textContent: t("how") }));
    if (question.explanation) how.append(make("p", { dir: "auto", textContent: question.explanation }));
    if (question.sql) {
      this.sqlPlace = make("div", { className: "list" }, sqlBlock(question.sql));
      how.append(this.sqlPlace);
      if (settings().can_edit) this.sqlPlace.append(make("div", {}, button("edit_sql", { icon: "edit", onClick: () => this.#edit() })));
    }
    const tried = (question.attempts ?? []).filter((each) => each.error);
    if (tried.length > 0) how.append(make("details", { className: "more" }, make("summary", { textContent: t("attempts", { n: tried.length }) }), ...tried.map(attemptPart)));
    how.append(make("p", { className: "quiet", textContent: originOf(question) }));
    return how;
  }

  #edit() {
    const editor = new Editor({ sql: this.question.sql, tables: this.tables(), onRun: () => run(), label: t("sql_label") });
    const result = make("div", { className: "list" });
    const problem = make("p", { className: "field__problem", role: "alert", hidden: true });
    const runs = button("run_sql", { icon: "play", className: "button button--main button--small", onClick: () => run() });
    const run = async () => {
      runs.disabled = true;
      problem.hidden = true;
      try {
        const answer = await post(`datasets/${this.question.dataset}/run/`, { sql: editor.sql });
        announce(t("sql_ran", { n: answer.rows.length }));
        result.replaceChildren(...runParts(answer), this.#teachButton(editor));
      } catch (error) {
        if (!("status" in error)) throw error;
        problem.textContent = [reasonOf(error), error.rule ? t("rule", { rule: error.rule }) : ""].join(" ").trim();
        problem.hidden = false;
        editor.focus();
      } finally {
        runs.disabled = false;
      }
    };
    const close = button("stop_editing", { onClick: () => {
      this.sqlPlace.replaceChildren(sqlBlock(this.question.sql), make("div", {}, button("edit_sql", { icon: "edit", onClick: () => this.#edit() })));
      this.sqlPlace.querySelector("button").focus();
    } });
    this.sqlPlace.replaceChildren(editor.element, problem, make("div", { className: "row" }, runs, close), result);
    editor.focus();
  }

  #teachButton(editor) {
    return make("div", {}, button("teach", { icon: "done", onClick: async (pressed) => {
      pressed.disabled = true;
      const isDone = await attempt(() => post(`questions/${this.question.id}/feedback/`, { correct: false, sql: editor.sql }));
      if (isDone) toast(t("taught"));
      else pressed.disabled = false;
    } }));
  }

  // --- What can be done with an answer -----------------------------------------------------------------------

  #deeds() {
    const { question } = this;
    const right = button("is_right", { icon: "up", onClick: (pressed) => this.#rate(true, pressed) });
    const wrong = button("is_wrong", { icon: "down-thumb", onClick: (pressed) => this.#rate(false, pressed) });
    this.ratings = [right, wrong];
    right.setAttribute("aria-pressed", question.is_correct === true);
    wrong.setAttribute("aria-pressed", question.is_correct === false);
    const file = (kind) => make("a", { className: "button button--small", href: addressOf(`questions/${question.id}/result.${kind}`), download: "" }, icon("down"), make("span", { textContent: kind.toUpperCase() }));
    return make("div", { className: "deeds" }, right, wrong, make("span", { className: "deeds__gap" }),
      settings().can_edit ? button("save_question", { icon: "save", onClick: () => saveQuestion(question) }) : null,
      file("csv"), file("xlsx"), button("copy_link", { icon: "link", onClick: () => this.#copyLink() }));
  }

  async #rate(isRight, pressed) {
    const isDone = await attempt(() => post(`questions/${this.question.id}/feedback/`, { correct: isRight }));
    if (!isDone) return;
    for (const each of this.ratings) each.setAttribute("aria-pressed", each === pressed);
    toast(t(isRight ? "thanks_right" : settings().can_edit ? "thanks_wrong_editor" : "thanks_wrong"));
    if (isRight || !settings().can_edit || !this.sqlPlace) return;
    this.element.querySelector(".how").open = true;
    this.#edit();
  }

  async #copyLink() {
    const link = new URL(`${settings().base}q/${this.question.id}/`, location.href).href;
    try {
      await navigator.clipboard.writeText(link);
      toast(t("link_copied"));
    } catch {
      toast(link);
    }
  }
}

/** The picture and the table of an answer; a single number stands in its sentence already. */
function resultParts(result) {
  if (result.rows.length === 0) return [make("p", { className: "note", textContent: t("no_rows") })];
  const parts = [];
  if (result.columns.length > 1) parts.push(new Figure(result).element);
  if (!(result.rows.length === 1 && result.columns.length === 1 && result.summary)) {
    parts.push(new Grid({ ...result, caption: `${t("result_table")}: ${result.question}` }).element);
  }
  return parts;
}

function runParts(answer) {
  if (answer.rows.length === 0) return [make("p", { className: "note", textContent: t("no_rows") })];
  return [new Grid({ ...answer, caption: `${t("result_table")}: SQL` }).element];
}

function attemptPart({ sql, error }) {
  const why = typeof error === "string" ? error : error.detail ?? error.code ?? "";
  return make("div", { className: "list" }, sqlBlock(sql), make("p", { className: "problem", textContent: why }));
}

/** Where the answer comes from, and when. */
function originOf(question) {
  const parts = [t("asked_at", { when: moment(question.created_at) })];
  if (question.is_cached) parts.push(t("from_cache"));
  if (question.used_model) parts.push(t("by_model", { model: question.used_model }));
  else if (question.status === "ready") parts.push(t("by_pair"));
  return parts.join(" · ");
}

/** What a screen reader hears when a question is over. */
function spoken(question) {
  const texts = {
    ready: () => question.summary || t("rows_all", { all: question.rows.length }),
    failed: () => question.error?.detail || t("error_unknown"),
    cancelled: () => t("was_cancelled"),
    needs_clarification: () => question.clarification.question,
  };
  return texts[question.status]();
}
