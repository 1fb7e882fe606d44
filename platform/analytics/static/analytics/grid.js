import { announce } from "./frame.js";
import { button, make } from "./dom.js";
import { count, currentLanguage, t } from "./strings.js";

const NUMBERS = new Set(["integer", "decimal", "float"]);
const ROWS_AT_ONCE = 200;
// Their digits are names, not amounts.
const NAMES_OF_CODES = /(^|_)(id|no|code|year|zip|phone)$|编号|代码|号$|号码|年份|年$|电话|手机/i;
const PLAIN_NUMBER = /^-?\d+(\.\d+)?$/;

/** A result's rows as a table that can be sorted and searched. Values stay exact: digits come as they are, NULL is said. */
export class Grid {
  constructor({ columns, rows, truncated, caption }) {
    Object.assign(this, { columns, rows });
    this.limit = ROWS_AT_ONCE;
    this.sorting = null;
    this.words = "";
    this.note = make("span", { className: "quiet" });
    this.more = button("show_more", { onClick: () => this.#showMore() });
    this.body = make("tbody");
    this.heads = columns.map((column, at) => this.#head(column, at));
    const table = make("table", {}, make("caption", { className: "visually-hidden", textContent: caption }), make("thead", {}, make("tr", {}, ...this.heads)), this.body);
    this.element = make("div", { className: "list" }, this.#bar(), make("div", { className: "grid", tabIndex: 0, role: "region", aria: { label: caption } }, table), this.more);
    this.truncated = truncated;
    this.#draw();
  }

  #bar() {
    const search = make("input", { type: "search", placeholder: t("filter_rows"), aria: { label: t("filter_rows") } });
    search.addEventListener("input", () => {
      this.words = search.value.trim().toLocaleLowerCase();
      this.#draw();
    });
    search.addEventListener("change", () => announce(this.note.textContent));
    return make("div", { className: "grid-bar" }, this.note, this.rows.length > 5 ? search : null);
  }

  #head(column, at) {
    const name = make("bdi", { textContent: column.name, data: { sorted: "" } });
    const sort = make("button", { type: "button", title: t("sort_by", { name: column.name }) }, name, make("small", { textContent: typeName(column.type) }));
    sort.addEventListener("click", () => this.#sortBy(at));
    return make("th", { scope: "col", className: isNumber(column) ? "is-number" : "" }, sort);
  }

  /** Upwards, downwards, as it came. */
  #sortBy(at) {
    const { sorting } = this;
    if (sorting?.at !== at) this.sorting = { at, sign: 1 };
    else this.sorting = sorting.sign === 1 ? { at, sign: -1 } : null;
    this.#draw();
  }

  #showMore() {
    const first = this.limit;
    this.limit += ROWS_AT_ONCE;
    this.#draw();
    const row = this.body.rows[first];
    row?.setAttribute("tabindex", "-1");
    row?.focus();
  }

  #draw() {
    const rows = this.#sorted(this.#found());
    this.heads.forEach((head, at) => {
      const { sorting } = this;
      if (sorting?.at === at) head.setAttribute("aria-sort", sorting.sign === 1 ? "ascending" : "descending");
      else head.removeAttribute("aria-sort");
    });
    this.body.replaceChildren(...rows.slice(0, this.limit).map((row) => this.#row(row)));
    this.more.hidden = rows.length <= this.limit;
    this.note.textContent = this.#countText(rows.length);
  }

  #countText(found) {
    const all = count(this.rows.length);
    if (this.words) return t("rows_found", { found: count(found), all });
    return t(this.truncated ? "rows_truncated" : "rows_all", { all });
  }

  #found() {
    if (!this.words) return this.rows;
    return this.rows.filter((row) => row.some((cell, at) => shownCell(cell, this.columns[at]).toLocaleLowerCase().includes(this.words)));
  }

  #sorted(rows) {
    if (!this.sorting) return rows;
    const { at, sign } = this.sorting;
    const compare = isNumber(this.columns[at]) ? compareNumbers : compareTexts();
    // What is not known comes last, whichever way.
    return [...rows].sort((a, b) => (a[at] === null) - (b[at] === null) || (a[at] === null ? 0 : sign * compare(a[at], b[at])));
  }

  #row(row) {
    return make("tr", {}, ...row.map((cell, at) => {
      const isNull = cell === null;
      const className = [isNumber(this.columns[at]) ? "is-number" : "", isNull ? "is-null" : ""].join(" ").trim();
      return make("td", { className, dir: "auto", textContent: shownCell(cell, this.columns[at]) });
    }));
  }
}

export const isNumber = (column) => NUMBERS.has(column.type);

export function typeName(type) {
  return t(`type_${type}`, {}, type);
}

/** A cell as text. Amounts get separators of thousands; no digit is added or lost. */
export function shownCell(cell, { name, type }) {
  if (cell === null) return "NULL";
  if (NUMBERS.has(type)) return NAMES_OF_CODES.test(name) ? String(cell) : grouped(String(cell));
  if (type === "boolean") return t(cell ? "yes" : "no");
  if (type === "timestamp") return String(cell).replace("T", " ").replace(/(Z|\+00:00)$/, " UTC");
  return typeof cell === "object" ? JSON.stringify(cell) : String(cell);
}

function grouped(digits) {
  const [whole, fraction] = digits.split(".");
  if (!/^-?\d{5,}$/.test(whole)) return digits;
  const separated = whole.replace(/\B(?=(\d{3})+$)/g, ",");
  return fraction === undefined ? separated : `${separated}.${fraction}`;
}

/** Also where they have more digits than a double: such numbers come as texts. */
export function compareNumbers(a, b) {
  const difference = Number(a) - Number(b);
  if (difference || ![a, b].every((each) => PLAIN_NUMBER.test(each))) return difference || 0;
  const places = Math.max(...[a, b].map((each) => (String(each).split(".")[1] ?? "").length));
  const [x, y] = [a, b].map((each) => scaled(String(each), places));
  return x < y ? -1 : Number(x > y);
}

function scaled(digits, places) {
  const [whole, fraction = ""] = digits.split(".");
  return BigInt(whole + fraction.padEnd(places, "0"));
}

function compareTexts() {
  const collator = new Intl.Collator(currentLanguage(), { numeric: true });
  return (a, b) => collator.compare(typeof a === "object" ? JSON.stringify(a) : a, typeof b === "object" ? JSON.stringify(b) : b);
}
