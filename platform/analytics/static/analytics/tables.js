import { announce, attempt, chosen, confirmed, toast } from "./frame.js";
import { button, byId, make } from "./dom.js";
import { typeName } from "./grid.js";
import { get, patch, Refused } from "./server.js";
import { count, t } from "./strings.js";

const LOOK_AGAIN_MS = 1000;

/** What a column can be read as, by the names that PostgreSQL and people have for it. */
export const TYPES = {
  text: "text", bigint: "integer", numeric: "decimal", "double precision": "float", boolean: "boolean", date: "date", "time without time zone": "time",
  "timestamp without time zone": "timestamp", "timestamp with time zone": "timestamp",
};

/** The tables of a dataset with their columns. Editors describe them, and correct types that were read wrongly. */
export class TablesPane {
  constructor(element, { path, canEdit, reload }) {
    Object.assign(this, { element, path, canEdit, reload });
    this.drawn = null;
  }

  show(dataset) {
    // What somebody is writing is not drawn over, unless there is something new.
    const version = JSON.stringify([dataset.status, dataset.version, dataset.tables.map((table) => [table.id, table.row_count, table.columns.map((column) => [column.type, column.pii, column.samples, column.samples_off])])]);
    if (version === this.drawn) return;
    this.drawn = version;
    this.dataset = dataset;
    const open = new Set([...this.element.querySelectorAll("details[open]")].map((each) => each.dataset.id));
    const cards = dataset.tables.map((table) => this.#card(table, open.size ? open.has(table.id) : dataset.tables.length <= 3));
    const waiting = dataset.status === "importing" ? [make("p", { className: "note", role: "status", textContent: t("dataset_importing_text") })] : [];
    this.element.replaceChildren(...waiting, ...cards);
  }

  #card(table, isOpen) {
    const title = make("h2", {}, make("bdi", { textContent: table.label || table.name }));
    const summary = make("summary", {}, title, table.label && table.label !== table.name ? make("code", { className: "quiet", textContent: table.name }) : null);
    if (table.row_count !== null) summary.append(make("span", { className: "quiet", textContent: t("row_count", { n: count(table.row_count) }) }));
    const body = make("div", { className: "table-card__body" }, this.#words(table), this.#columns(table));
    if (this.canEdit && this.dataset.kind !== "conversations") body.append(this.#hiding(table));
    return make("details", { className: "table-card", open: isOpen, data: { id: table.id } }, summary, body);
  }

  #words(table) {
    const save = (fields) => this.#save({ tables: [{ id: table.id, ...fields }] });
    if (!this.canEdit) return make("p", { className: "quiet", dir: "auto", textContent: [table.description, ...(table.synonyms ?? [])].filter(Boolean).join(" · ") });
    return make("div", { className: "words" },
      make("label", { className: "field" }, make("span", { textContent: t("description") }), textInput(table.description, t("description_hint"), (description) => save({ description }))),
      make("label", { className: "field" }, make("span", { textContent: t("synonyms") }), textInput(listText(table.synonyms), t("synonyms_hint"), (text) => save({ synonyms: listOf(text) }))));
  }

  #hiding(table) {
    const box = make("input", { type: "checkbox", checked: table.is_hidden });
    box.addEventListener("change", () => this.#save({ tables: [{ id: table.id, is_hidden: box.checked }] }));
    return make("label", { className: "check" }, box, make("span", { textContent: t("hide_table") }));
  }

  #columns(table) {
    const heads = ["column", "type", "meaning", "samples"].map((key) => make("th", { scope: "col", textContent: t(key) }));
    const rows = table.columns.map((column) => this.#column(table, column));
    return make("div", { className: "columns", tabIndex: 0, role: "region", aria: { label: table.label || table.name } },
      make("table", {}, make("thead", {}, make("tr", {}, ...heads)), make("tbody", {}, ...rows)));
  }

  #column(table, column) {
    const name = column.label || column.name;
    const head = make("th", { scope: "row" }, make("bdi", { textContent: name }), column.label && column.label !== column.name ? make("code", { textContent: column.name }) : null);
    return make("tr", { data: { column: column.name } }, head, make("td", {}, this.#type(table, column)), make("td", {}, this.#meaning(column, name)), this.#samples(column, name));
  }

  #type(table, column) {
    const plain = column.type.replace(/\(.*\)/, "");
    if (!this.canEdit || this.dataset.kind !== "files") return make("span", { title: column.type, textContent: typeName(TYPES[plain] ?? simpleType(plain)) });
    const options = Object.entries(TYPES).map(([value, kind]) => make("option", { value, textContent: value === "timestamp with time zone" ? t("type_timestamp_zone") : typeName(kind), selected: value === plain }));
    if (!(plain in TYPES)) options.unshift(make("option", { value: plain, textContent: plain, selected: true }));
    const select = make("select", { aria: { label: `${t("type")}: ${column.label || column.name}` } }, ...options);
    select.addEventListener("change", () => this.#retype(table, column, select, plain));
    return select;
  }

  /** Read the column as another type. What would be lost by it is told before, and so is which of two dates is meant. */
  async #retype(table, column, select, before) {
    const type = select.selectedOptions[0].textContent;
    select.disabled = true;
    announce(t("type_is_changing", { type }));
    const isDone = await attempt(() => this.#read(table, column, { type: select.value }));
    select.disabled = false;
    if (!this.isRead) select.value = before;
    if (!isDone || !this.isRead) return;
    toast(t("type_is_changing", { type }));
    await attempt(() => this.#changed(table, column));
    this.drawn = null;
    await this.reload();
    if (byId("banner").hidden) toast(t("type_changed", { type }));
  }

  /** Wait until the table is made anew. Throws if that failed. */
  async #changed(table, column) {
    for (;;) {
      const { change } = await get(columnPath(this.path, table, column));
      if (!change || change.status === "done") return;
      if (!["queued", "running"].includes(change.status)) throw new Refused(422, change.error ?? {});
      await new Promise((resolve) => setTimeout(resolve, LOOK_AGAIN_MS));
    }
  }

  async #read(table, column, wish) {
    this.isRead = true;
    try {
      await patch(columnPath(this.path, table, column), wish);
    } catch (error) {
      const more = await this.#decided(error, column.label || column.name);
      if (more === undefined) throw error;
      this.isRead = more !== null;
      if (more) await this.#read(table, column, { ...wish, ...more });
    }
  }

  /** What has to be said too, null if somebody would rather not, undefined where there is nothing to decide. */
  async #decided(error, name) {
    if (error.code === "values_lost") {
      const values = { lost: count(error.lost), rows: count(error.rows), examples: (error.examples ?? []).slice(0, 5).join(", ") };
      return (await confirmed({ title: t("type_loses_title", { name }), text: t("type_loses", values), yes: t("type_lose") })) ? { force: true } : null;
    }
    if (!error.errors?.some((each) => each.field === "format")) return undefined;
    const options = [["dmy", t("format_dmy")], ["mdy", t("format_mdy")]];
    const format = await chosen({ title: t("format_title", { name }), text: t("format_text"), options });
    return format ? { format } : null;
  }

  #meaning(column, name) {
    const save = (fields) => this.#save({ columns: [{ id: column.id, ...fields }] });
    if (!this.canEdit) return make("span", { dir: "auto", textContent: [column.description, ...(column.synonyms ?? [])].filter(Boolean).join(" · ") });
    const describe = textInput(column.description, t("description_hint"), (description) => save({ description }));
    const also = textInput(listText(column.synonyms), t("synonyms_hint"), (text) => save({ synonyms: listOf(text) }));
    describe.setAttribute("aria-label", `${t("description")}: ${name}`);
    also.setAttribute("aria-label", `${t("synonyms")}: ${name}`);
    return make("div", { className: "list" }, describe, also);
  }

  #samples(column, name) {
    const cell = make("td", { className: "samples" });
    const values = (column.samples ?? []).slice(0, 6);
    cell.append(make("span", { dir: "auto", textContent: values.length ? values.join(" · ") : t("samples_none") }));
    if (column.pii) cell.append(make("p", {}, make("span", { className: "state state--proposed", textContent: t(`pii_${column.pii}`) }), " ", t("pii_note")));
    if (!this.canEdit) return cell;
    const change = (fields) => this.#save({ columns: [{ id: column.id, ...fields }] }).then(() => this.reload());
    if (column.pii) cell.append(button("pii_not", { onClick: () => change({ pii: "" }) }));
    const box = make("input", { type: "checkbox", checked: column.samples_off, aria: { label: `${t("samples_off")}: ${name}` } });
    box.addEventListener("change", () => change({ samples_off: box.checked }));
    cell.append(make("label", { className: "check" }, box, make("span", { textContent: t("samples_off") })));
    return cell;
  }

  async #save(glossary) {
    if (await attempt(() => patch(this.path, { glossary }))) toast(t("saved_changes"));
  }
}

function columnPath(path, table, column) {
  return `${path}tables/${encodeURIComponent(table.name)}/columns/${encodeURIComponent(column.name)}/`;
}

/** A line that is saved when it is left, if it was changed. */
export function textInput(value, placeholder, save) {
  const input = make("input", { value: value ?? "", placeholder, dir: "auto", maxLength: 1000 });
  input.addEventListener("change", () => save(input.value.trim()));
  return input;
}

export const listText = (words) => (words ?? []).join(", ");
export const listOf = (text) => text.split(/[,，、;；]/).map((word) => word.trim()).filter(Boolean);

function simpleType(type) {
  return { integer: "integer", smallint: "integer", real: "float", jsonb: "json", json: "json", interval: "interval" }[type] ?? "other";
}
