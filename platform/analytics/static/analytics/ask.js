import { announce, attempt, startFrame } from "./frame.js";
import { Card } from "./card.js";
import { byId, make, showText } from "./dom.js";
import { all, get, post, settings } from "./server.js";
import { examplesFor } from "./examples.js";
import { currentLanguage, moment, t } from "./strings.js";

const TALLEST_PX = 160;
const LAST_DATASET = "troupe.ask.dataset";

/** The page to ask on: which data, what was asked before, and a thread of questions with their answers. */
class AskPage {
  constructor() {
    startFrame("menu_ask");
    this.cards = [];
    this.box = byId("question");
    this.#startBox();
    byId("dataset").addEventListener("change", (event) => (location.href = `${settings().base}?dataset=${event.target.value}`));
    if (matchMedia("(max-width: 760px)").matches) byId("past-box").open = false;
    this.#load();
  }

  async #load() {
    await attempt(async () => {
      this.datasets = (await all("datasets/?limit=100")).filter((each) => each.status === "ready");
      const { question } = settings();
      this.dataset = this.#datasetToAsk();
      this.#drawDatasets();
      if (this.dataset) {
        // The thread can be read while its tables are still on their way.
        await Promise.all([this.#loadTables(), this.#loadPast(), question ? this.#loadThread(question) : null]);
      }
    });
    byId("loading").hidden = true;
    this.#drawFrame();
    if (matchMedia("(hover: hover)").matches && !settings().question) this.box.focus();
  }

  #datasetToAsk() {
    const wanted = [settings().dataset, new URLSearchParams(location.search).get("dataset"), recall(LAST_DATASET)];
    const own = this.datasets.find((each) => each.kind !== "conversations");
    const found = wanted.map((id) => this.datasets.find((each) => each.id === id)).find(Boolean) ?? own ?? this.datasets[0];
    if (found) keep(LAST_DATASET, found.id);
    return found;
  }

  #drawDatasets() {
    const options = this.datasets.map((each) => make("option", { value: each.id, textContent: each.kind === "conversations" ? t("conversations_name") : each.name, selected: each === this.dataset }));
    byId("dataset").replaceChildren(...options);
    byId("dataset").disabled = options.length === 0;
  }

  async #loadTables() {
    this.detail = await get(`datasets/${this.dataset.id}/`);
    const pairs = settings().has_model ? [] : await all(`datasets/${this.dataset.id}/pairs/?status=approved`, 20).catch(() => []);
    this.examples = examplesFor(this.detail, pairs, settings().has_model);
  }

  async #loadPast() {
    this.past = await all(`questions/?dataset=${this.dataset.id}&limit=50`, 50);
    this.#drawPast();
  }

  #drawPast() {
    const threads = new Map();
    // Newest first comes in; a thread stands where it last moved, under the question that began it.
    for (const question of this.past) threads.set(question.conversation_id, [...(threads.get(question.conversation_id) ?? []), question]);
    byId("past").replaceChildren(...[...threads.values()].map((thread) => this.#pastItem(thread)));
    byId("past-none").hidden = threads.size > 0;
  }

  #pastItem(thread) {
    const [newest, first] = [thread[0], thread.at(-1)];
    const link = make("a", { className: "past", href: `${settings().base}q/${newest.id}/` },
      make("span", { className: "past__text", dir: "auto", textContent: first.question }),
      make("span", { className: "past__when", textContent: thread.length > 1 ? t("past_thread", { when: moment(newest.created_at), n: thread.length }) : moment(newest.created_at) }));
    if (newest.conversation_id === this.thread) link.setAttribute("aria-current", "true");
    return make("li", {}, link);
  }

  async #loadThread(id) {
    const asked = await get(`questions/${id}/`);
    this.thread = asked.conversation_id;
    const others = await all(`questions/?conversation_id=${this.thread}&limit=50`, 50);
    // The list leaves rows out; each is fetched whole.
    const ids = others.map((each) => each.id).reverse();
    const whole = await Promise.all(ids.map((each) => (each === id ? asked : get(`questions/${each}/`))));
    for (const question of whole) this.#add(question);
    if (this.past) this.#drawPast();
    this.cards.find((card) => card.question.id === id)?.element.scrollIntoView({ block: "start" });
  }

  #add(question) {
    const card = new Card(question, {
      tables: () => this.detail?.tables ?? [],
      onEnd: (card) => this.#ended(card),
      onRetry: (one) => this.#ask(one.question),
      suggestions: () => this.#suggestions(),
    });
    this.cards.push(card);
    byId("thread").append(card.element);
    return card;
  }

  #ended(card) {
    if (this.past) attempt(() => this.#loadPast());
    this.#drawFrame();
    // The answer is taller than its progress was: its beginning is what is read first.
    if (card === this.cards.at(-1)) card.element.scrollIntoView({ block: "start" });
  }

  // --- The box -----------------------------------------------------------------------------------------------

  #startBox() {
    this.box.addEventListener("input", () => this.#fit());
    this.box.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      this.#submit();
    });
    byId("composer").addEventListener("submit", (event) => {
      event.preventDefault();
      this.#submit();
    });
  }

  #fit() {
    this.box.style.height = "auto";
    this.box.style.height = `${Math.min(this.box.scrollHeight, TALLEST_PX)}px`;
    byId("send").disabled = !this.box.value.trim();
  }

  #submit() {
    const text = this.box.value.trim();
    if (text && this.dataset) this.#ask(text);
  }

  async #ask(text) {
    byId("send").disabled = true;
    const body = { dataset: this.dataset.id, question: text, ...(this.thread ? { conversation_id: this.thread } : {}) };
    const isDone = await attempt(async () => {
      const question = await post("questions/", body);
      this.thread = question.conversation_id;
      // What was asked back may have been answered in words: then it is that question which goes on.
      const known = this.cards.find((card) => card.question.id === question.id);
      if (known) known.show(question);
      const card = known ?? this.#add(question);
      history.replaceState(null, "", `${settings().base}q/${question.id}/`);
      this.box.value = "";
      announce(t("question_sent"));
      this.#drawFrame();
      card.element.scrollIntoView({ block: "start", behavior: "smooth" });
    });
    this.#fit();
    if (isDone) this.box.focus({ preventScroll: true });
  }

  // --- The frame ---------------------------------------------------------------------------------------------

  #drawFrame() {
    const isEmpty = this.cards.length === 0;
    const hasData = Boolean(this.dataset);
    byId("desk").classList.toggle("is-empty", isEmpty);
    byId("welcome").hidden = !isEmpty || !hasData;
    byId("no-data").hidden = hasData || !this.datasets;
    byId("foot").hidden = !hasData;
    byId("ask-new").hidden = isEmpty;
    byId("ask-new").href = `${settings().base}?dataset=${this.dataset?.id}`;
    byId("thread-title").hidden = isEmpty;
    byId("no-data-text").textContent = t(settings().can_edit ? "no_data_editor" : "no_data_viewer");
    this.box.placeholder = t(isEmpty ? "ask_placeholder" : "follow_up_placeholder");
    if (isEmpty && hasData) this.#drawWelcome();
  }

  #drawWelcome() {
    const hasModel = settings().has_model;
    showText(byId("welcome-text"), t(hasModel ? "welcome_text" : "welcome_without_model"));
    byId("suggestions").replaceChildren(...this.#suggestions());
    byId("no-model").hidden = hasModel;
    if (!hasModel) byId("no-model").replaceChildren(...noModelParts());
  }

  /** What can be asked for certain, as items of a list. */
  #suggestions() {
    return (this.examples ?? []).map((text) => {
      const pressed = make("button", { type: "button", className: "suggestion", dir: "auto", textContent: text });
      pressed.addEventListener("click", () => this.#ask(text));
      return make("li", {}, pressed);
    });
  }
}

/** What works without a model, what one would add, and where it is connected. */
function noModelParts() {
  const link = make("a", { href: settings().routes_url, textContent: t("no_model_where") });
  const gap = currentLanguage() === "en" ? " " : "";
  return [
    make("p", {}, make("strong", { textContent: t("no_model_title") }), gap, t("no_model_works")),
    make("p", {}, t("no_model_adds"), gap, settings().can_edit ? link : t("no_model_whom")),
  ];
}

function recall(key) {
  try {
    return localStorage.getItem(key);
  } catch {
    return null;
  }
}

function keep(key, value) {
  try {
    localStorage.setItem(key, value);
  } catch {
    // Storage is closed to this page: the choice holds until it is left.
  }
}

new AskPage();
