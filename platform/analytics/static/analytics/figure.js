import { announce } from "./frame.js";
import { button, make } from "./dom.js";
import { isNumber } from "./grid.js";
import { addressOf } from "./server.js";
import { t } from "./strings.js";

const KINDS = ["bar", "grouped", "stacked", "line", "area", "scatter", "pie"];

/** A result as a picture that the server draws; kind and axes can be changed. Where it found none by itself, one may be asked for. */
export class Figure {
  /** `path`: where the picture comes from. `chart`: the one that was chosen by rule, or null. */
  constructor({ path, columns, chart, title }) {
    Object.assign(this, { path, columns, title });
    this.element = make("section", { className: "figure", aria: { label: t("chart") } });
    this.choice = null;
    if (chart) this.#open();
    else if (columns.some(isNumber)) this.element.append(make("div", {}, button("chart_show", { icon: "ask", onClick: () => this.#openByHand() })));
  }

  #openByHand() {
    const numbers = this.columns.filter(isNumber);
    const across = this.columns.find((column) => !isNumber(column)) ?? numbers[0];
    const up = numbers.find((column) => column !== across) ?? numbers[0];
    this.choice = { kind: "bar", x: across.name, y: up.name };
    this.#open();
    this.element.querySelector("select").focus();
  }

  #open() {
    this.picture = make("img", { alt: t("chart_of", { what: this.title }), width: 720, height: 400 });
    this.problem = make("p", { className: "problem", role: "status", hidden: true, textContent: t("chart_failed") });
    this.picture.addEventListener("load", () => this.#drawn(true));
    this.picture.addEventListener("error", () => this.#drawn(false));
    this.element.replaceChildren(this.#bar(), make("div", { className: "figure__picture" }, this.picture), this.problem);
    this.#draw();
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.#draw());
    new MutationObserver(() => this.#draw()).observe(document.documentElement, { attributeFilter: ["data-theme"] });
  }

  #bar() {
    const kind = this.#select("chart_kind", KINDS.map((each) => [each, t(`kind_${each}`)]), this.choice?.kind);
    const x = this.#select("chart_x", this.columns.map((column) => [column.name, column.name]), this.choice?.x);
    const y = this.#select("chart_y", this.columns.filter(isNumber).map((column) => [column.name, column.name]), this.choice?.y);
    this.selects = { kind, x, y };
    for (const each of Object.values(this.selects)) each.addEventListener("change", () => this.#choose());
    const field = (key, select) => make("label", { className: "field" }, make("span", { textContent: t(key) }), select);
    return make("div", { className: "figure__bar" }, field("chart_kind", kind), field("chart_x", x), field("chart_y", y));
  }

  #select(key, options, chosen) {
    return make("select", {}, ...options.map(([value, textContent]) => make("option", { value, textContent, selected: value === chosen })));
  }

  #choose() {
    const { kind, x, y } = this.selects;
    this.choice = { kind: kind.value, x: x.value, y: y.value };
    this.#draw();
  }

  #draw() {
    const query = new URLSearchParams({ ...this.choice, theme: isDark() ? "dark" : "light" });
    this.picture.src = `${addressOf(this.path)}?${query}`;
  }

  #drawn(isDone) {
    this.picture.hidden = !isDone;
    this.problem.hidden = isDone;
    if (isDone && this.choice) announce(t("chart_of", { what: t(`kind_${this.choice.kind}`) }));
  }
}

function isDark() {
  const { theme } = document.documentElement.dataset;
  return theme ? theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
}
