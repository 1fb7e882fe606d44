import { announce, attempt, reasonOf } from "./frame.js";
import { button, make, showText } from "./dom.js";
import { isNumber } from "./grid.js";
import { addressOf, Away, drawing, post, Refused, settings } from "./server.js";
import { t } from "./strings.js";

const KINDS = ["bar", "grouped", "stacked", "line", "area", "scatter", "pie"];
const MOST_MEASURES = 5;

/**
 * An answer as a picture that the server draws. Its kind and axes can be changed; what an editor chooses is what
 * everybody sees from then on. Where the rules found no chart, one may be asked for.
 */
export class Figure {
  constructor({ id, columns, chart, question }) {
    Object.assign(this, { path: `questions/${id}/`, columns, question });
    this.numbers = columns.filter(isNumber);
    this.element = make("section", { className: "figure", aria: { label: t("chart") } });
    this.isOwn = Boolean(chart);
    if (chart) this.#open(choiceIn(chart));
    else this.#offer();
  }

  #offer() {
    const isPossible = this.numbers.length > 0 && this.columns.length > 1;
    this.element.replaceChildren(...(isPossible ? [make("div", {}, button("chart_show", { icon: "ask", onClick: () => this.#openByHand() }))] : []));
  }

  #openByHand() {
    const across = this.columns.find((column) => !isNumber(column)) ?? this.numbers[0];
    const up = this.numbers.find((column) => column !== across) ?? this.numbers[0];
    this.isOwn = false;
    this.#open({ kind: "bar", x: across.name, y: [up.name], series: null });
    this.element.querySelector("select").focus();
  }

  #open(choice) {
    this.choice = choice;
    this.picture = make("img", { alt: "", hidden: true });
    this.place = make("div", { className: "figure__picture" }, this.picture);
    this.problem = make("p", { className: "problem", role: "status", hidden: true });
    this.element.replaceChildren(this.#bar(), this.place, this.problem);
    this.#draw();
    const redraw = () => this.element.isConnected && this.choice && this.#draw();
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
    new MutationObserver(redraw).observe(document.documentElement, { attributeFilter: ["data-theme"] });
  }

  #bar() {
    const names = this.columns.map((column) => [column.name, column.name]);
    const kind = select([...KINDS.map((each) => [each, t(`kind_${each}`)]), ["none", t("chart_none")]], this.choice.kind);
    const x = select(names, this.choice.x);
    const y = select(this.#measures(), JSON.stringify(this.choice.y));
    const series = select([["", t("series_none")], ...names], this.choice.series ?? "");
    this.selects = { kind, x, y, series };
    for (const each of Object.values(this.selects)) each.addEventListener("change", () => this.#choose());
    const field = (key, control) => make("label", { className: "field" }, make("span", { textContent: t(key) }), control);
    const fields = [field("chart_kind", kind), field("chart_x", x), field("chart_y", y)];
    if (this.columns.length > 2) fields.push(field("chart_series", series));
    return make("div", { className: "figure__bar" }, ...fields);
  }

  /** One column of numbers, those that are drawn together now, or all. */
  #measures() {
    const single = this.numbers.map((column) => [JSON.stringify([column.name]), column.name]);
    const together = [this.choice.y, this.numbers.slice(0, MOST_MEASURES).map((column) => column.name)];
    const several = together.filter((names) => names.length > 1).map((names) => [JSON.stringify(names), names.join(" + ")]);
    return [...new Map([...single, ...several])];
  }

  #choose() {
    const { kind, x, y, series } = this.selects;
    if (kind.value === "none") {
      this.choice = null;
      this.#keep({ kind: "none" });
      this.#offer();
      this.element.querySelector("button").focus();
      return;
    }
    this.choice = { kind: kind.value, x: x.value, y: JSON.parse(y.value), series: series.value || null };
    this.isOwn = false;
    this.#draw();
  }

  async #draw() {
    const { choice } = this;
    const query = new URLSearchParams({ theme: isDark() ? "dark" : "light" });
    if (!this.isOwn) {
      query.set("kind", choice.kind);
      query.set("x", choice.x);
      for (const name of choice.y) query.append("y", name);
      if (choice.series) query.set("series", choice.series);
    }
    const address = `${this.path}chart.svg?${query}`;
    try {
      // Asked for by itself first: a picture does not tell why it is none. The browser keeps it for the picture.
      await drawing(address);
    } catch (error) {
      if (!(error instanceof Refused || error instanceof Away)) throw error;
      if (choice !== this.choice) return;
      this.place.hidden = true;
      showText(this.problem, reasonOf(error));
      return;
    }
    if (choice !== this.choice) return;
    this.picture.src = addressOf(address);
    this.picture.alt = t("chart_of", { what: `${t(`kind_${choice.kind}`)}. ${this.question}` });
    this.picture.hidden = this.place.hidden = false;
    showText(this.problem, "");
    if (!this.isOwn) {
      announce(this.picture.alt);
      this.#keep(choice);
    }
  }

  #keep({ series, ...choice }) {
    if (settings().can_edit) attempt(() => post(`${this.path}chart/`, series ? { ...choice, series } : choice));
  }
}

/** What a specification of ours says it draws. */
export function choiceIn(chart) {
  const { kind, x, y, series } = chart.usermeta;
  return { kind, x, y, series };
}

function select(options, chosen) {
  return make("select", {}, ...options.map(([value, textContent]) => make("option", { value, textContent, selected: value === chosen })));
}

function isDark() {
  const { theme } = document.documentElement.dataset;
  return theme ? theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
}
