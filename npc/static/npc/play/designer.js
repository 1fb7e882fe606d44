import { byId } from "../../chat/dom.js";
import { t } from "./strings.js";
import { jsonTree } from "./tree.js";

const TABS = ["state", "actions", "mind", "turns"];

/**
 * What a designer sees beside the game: the state, what was proposed and what became of it, what a character may know
 * and keeps, and every turn, to go back to. Filled in only while it is open.
 */
export class Designer {
  constructor(game, on) {
    Object.assign(this, { game, on, tab: "state", who: null, before: null });
    this.panel = byId("designer");
    for (const tab of TABS) byId(`tab-${tab}`).addEventListener("click", () => this.choose(tab));
    byId("designer-tabs").addEventListener("keydown", (event) => this.#byArrows(event));
    byId("mind-who").addEventListener("change", (event) => this.attend(event.target.value));
    byId("happen").addEventListener("submit", (event) => {
      event.preventDefault();
      on.happen(byId("happen-type").value);
    });
    game.addEventListener("story", ({ detail }) => {
      this.before = detail.why === "back" || detail.why === "new" ? detail.after : detail.before;
      if (!this.who || !game.character(this.who)) this.who = game.world.characters[0].id;
      this.#options();
      this.refresh();
    });
  }

  get isOpen() {
    return !this.panel.hidden;
  }

  get refuses() {
    return byId("refuse").checked;
  }

  toggle(isOpen = !this.isOpen) {
    this.panel.hidden = !isOpen;
    document.body.classList.toggle("has-designer", isOpen);
    byId("designer-open").setAttribute("aria-expanded", String(isOpen));
    if (isOpen) {
      this.refresh();
      byId(`tab-${this.tab}`).focus();
    }
  }

  choose(tab) {
    this.tab = tab;
    for (const one of TABS) {
      byId(`tab-${one}`).setAttribute("aria-selected", String(one === tab));
      byId(`tab-${one}`).tabIndex = one === tab ? 0 : -1;
      byId(`pane-${one}`).hidden = one !== tab;
    }
    this.refresh();
  }

  #byArrows(event) {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    this.choose(TABS.at((TABS.indexOf(this.tab) + step) % TABS.length));
    byId(`tab-${this.tab}`).focus();
  }

  /** Look at somebody's mind from now on. */
  attend(id) {
    this.who = id;
    byId("mind-who").value = id;
    if (this.tab === "mind") this.refresh();
  }

  #options() {
    const names = this.game.world.characters.map((one) => new Option(one.name, one.id, false, one.id === this.who));
    byId("mind-who").replaceChildren(...names);
    const events = this.game.world.events.map((kind) => new Option(t(`event_${kind}`), kind));
    byId("happen-type").replaceChildren(...events);
  }

  async refresh() {
    if (!this.isOpen || !this.game.story) return;
    try {
      await { state: () => this.#state(), actions: () => this.#actions(), mind: () => this.#mind(), turns: () => this.#turns() }[this.tab]();
    } catch (error) {
      this.on.trouble(error);
    }
  }

  #state() {
    const { story } = this.game;
    byId("state-version").textContent = t("state_version", { n: story.state_version, seq: story.seq });
    byId("state-tree").replaceChildren(jsonTree(story.state, this.before?.state ?? story.state));
  }

  async #actions() {
    const turns = await this.game.turns();
    const rows = turns.flatMap((turn) => [
      ...turn.actions.map((action) => this.#action(turn, action, action.outcome, action.reason)),
      ...turn.removed.map((one) => this.#action(turn, one, one.repaired ? "repaired" : "removed", [one.rule, one.detail].filter(Boolean).join(": "))),
    ]);
    byId("actions-list").replaceChildren(...(rows.length ? rows : [note(t("no_actions"))]));
  }

  #action(turn, { name, arguments: given }, outcome, reason) {
    const row = element("li", "act");
    row.append(element("span", `badge badge--${outcome}`, t(`outcome_${outcome}`)));
    row.append(element("code", "act__name", `${name}(${Object.values(given ?? {}).join(", ")})`));
    row.append(element("span", "act__who", this.game.character(turn.character)?.name ?? turn.character));
    if (reason) row.append(element("p", "act__reason", reason));
    return row;
  }

  async #mind() {
    const sheet = await this.game.sheet(this.who);
    if (sheet.character !== this.who) return;
    const { affinity, emotions } = this.game.story;
    const hearts = Object.entries(affinity[this.who] ?? {}).map(([axis, value]) => `${t(`axis_${axis}`)} ${value > 0 ? "+" : ""}${value}`);
    byId("mind-feels").textContent = [t(`emotion_${emotions[this.who] ?? "neutral"}`), ...hearts].join(" · ");
    fill("mind-goals", sheet.goals.map((goal) => withBadge(goal.state, t(`goal_${goal.state}`), goal.description)));
    fill("mind-possible", sheet.possible.map((one) => possible(one)), "no_possible");
    fill("mind-memories", sheet.memories.map((one) => withBadge(one.kind, t(`memory_${one.kind}`), one.text)), "no_memories");
    fill("mind-knows", sheet.may_know.map((id) => fact(id, this.game.world.facts[id])));
    fill("mind-withheld", sheet.withheld.map(({ id, reason }) => fact(id, this.game.world.facts[id], t(`withheld_${reason}`))));
    byId("mind-knows-count").textContent = sheet.may_know.length;
    byId("mind-withheld-count").textContent = sheet.withheld.length;
  }

  async #turns() {
    const turns = await this.game.turns();
    fill("turns-list", turns.map((turn, n) => this.#turn(turn, turns.length - n, n === 0)), "no_turns");
  }

  #turn(turn, number, isNewest) {
    const row = element("li", "turn");
    row.append(element("p", "turn__asked", turn.text), element("p", "turn__said", `${this.game.character(turn.character)?.name}: ${turn.say}`));
    const times = Object.entries(turn.timing).filter(([, value]) => typeof value === "number");
    const timing = times.map(([name, value]) => `${t(`timing_${name}`)} ${Math.round(value)} ms`).join(" · ");
    row.append(element("p", "turn__timing", [timing, turn.fallback && t("fallback", { why: turn.fallback })].filter(Boolean).join(" · ")));
    const back = element("button", "button button--small", isNewest ? t("turn_newest") : t("rewind"));
    back.type = "button";
    back.disabled = isNewest;
    back.setAttribute("aria-label", t("rewind_to", { n: number, text: turn.text }));
    back.addEventListener("click", () => this.on.rewind(turn.rewind_seq));
    row.append(back);
    return row;
  }
}

function fill(id, rows, empty) {
  byId(id).replaceChildren(...(rows.length || !empty ? rows : [note(t(empty))]));
}

function element(tag, className, text = "") {
  return Object.assign(document.createElement(tag), { className, textContent: text });
}

const note = (text) => element("li", "note", text);

function withBadge(kind, badge, text) {
  const row = element("li", "act");
  row.append(element("span", `badge badge--${kind}`, badge), element("span", "act__text", text));
  return row;
}

function possible({ name, description, candidates }) {
  const row = element("li", "act");
  const values = Object.entries(candidates).map(([key, list]) => `${key}: ${list.join(" | ")}`);
  row.append(element("code", "act__name", `${name}(${values.join("; ")})`), element("p", "act__reason", description));
  return row;
}

function fact(id, text, why) {
  const row = element("li", "act");
  row.append(element("code", "act__name", id));
  if (why) row.append(element("span", "badge badge--withheld", why));
  row.append(element("p", "act__reason", text));
  return row;
}
