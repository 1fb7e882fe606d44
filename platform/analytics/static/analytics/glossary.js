import { attempt, toast } from "./frame.js";
import { button, make, tool } from "./dom.js";
import { patch } from "./server.js";
import { sqlBlock } from "./sql.js";
import { t } from "./strings.js";

/** What is proposed to be approved, the metrics, and the joins. */
export class GlossaryPane {
  constructor(element, context) {
    Object.assign(this, { element, ...context, drawn: null });
  }

  show(dataset) {
    const drawn = JSON.stringify([dataset.glossary, dataset.tables.map((table) => table.id)]);
    if (drawn === this.drawn) return; // what somebody is writing stays
    this.drawn = drawn;
    this.dataset = dataset;
    const { metrics, joins, proposals } = dataset.glossary;
    const [openMetrics, openJoins] = [metrics, joins].map((rows) => rows.filter((each) => each.status === "proposed"));
    const [approvedMetrics, approvedJoins] = [metrics, joins].map((rows) => rows.filter((each) => each.status === "approved"));
    const open = [...openMetrics.map((each) => this.#metric(each)), ...openJoins.map((each) => this.#join(each)), ...proposals.map((each) => this.#proposal(each))];
    this.element.replaceChildren(
      ...(open.length ? section("proposals", open) : []),
      ...section("metrics", approvedMetrics.map((each) => this.#metric(each)), "no_metrics"),
      ...(this.canEdit ? [this.#metricForm()] : []),
      ...section("joins", approvedJoins.map((each) => this.#join(each)), "no_joins"),
      ...(this.canEdit && dataset.tables.length > 1 ? [this.#joinForm()] : []));
  }

  #metric(metric) {
    const { id, name, table, sql, description, synonyms } = metric;
    const words = [description, ...synonyms].filter(Boolean).join(" · ");
    const body = [make("strong", { dir: "auto", textContent: name }), sqlBlock(sql), make("span", { className: "quiet", textContent: [this.#called(table), words].filter(Boolean).join(" · ") })];
    const again = { name, table, sql, description, synonyms };
    return this.#item(body, metric.status, name, {
      approve: () => ({ metrics: [{ id, status: "approved" }] }),
      remove: () => ({ metrics: [{ id, delete: true }] }),
      undo: metric.status === "approved" ? { metrics: [again] } : null,
    });
  }

  #join(join) {
    const { id, left, right } = join;
    const name = `${this.#place(left)} = ${this.#place(right)}`;
    return this.#item([make("bdi", { textContent: name })], join.status, name, {
      approve: () => ({ joins: [{ id, status: "approved" }] }),
      remove: () => ({ joins: [{ id, delete: true }] }),
      undo: join.status === "approved" ? { joins: [{ left, right }] } : null,
    });
  }

  /** Words that a model proposes for a table or a column. */
  #proposal({ id, kind, name, description, synonyms }) {
    const body = [make("strong", { dir: "auto", textContent: name }), make("span", { dir: "auto", textContent: description }), make("span", { className: "quiet", dir: "auto", textContent: synonyms.join(" · ") })];
    const where = kind === "table" ? "tables" : "columns";
    return this.#item(body, "proposed", name, {
      approve: () => ({ [where]: [{ id, ...(description ? { description } : {}), ...(synonyms.length ? { synonyms } : {}) }] }),
      remove: () => ({ [where]: [{ id, dismiss_proposal: true }] }),
      undo: null,
    });
  }

  #item(body, status, name, { approve, remove, undo }) {
    const deeds = make("div", { className: "row" });
    if (this.canEdit && status === "proposed") {
      deeds.append(button("approve", { icon: "done", onClick: () => this.#change(approve(), t("approved_now", { name })) }),
        button("reject", { onClick: () => this.#change(remove(), t("rejected_now", { name })) }));
    } else if (this.canEdit) {
      deeds.append(tool("remove", "bin", () => this.#change(remove(), t("removed", { name }), undo)));
    }
    return make("li", { className: "item" }, make("div", { className: "item__body" }, ...body), deeds);
  }

  async #change(glossary, told, undo = null) {
    if (!(await attempt(() => patch(this.path, { glossary })))) return false;
    toast(told, undo && { text: t("undo"), run: () => this.#change(undo, t("saved_changes")) });
    await this.reload();
    this.element.focus();
    return true;
  }

  #metricForm() {
    const tables = this.dataset.tables.map((table) => make("option", { value: table.name, textContent: this.#called(table.name) }));
    const fields = {
      name: make("input", { required: true, maxLength: 200, dir: "auto" }),
      table: make("select", {}, ...tables),
      sql: make("input", { required: true, maxLength: 5000, spellcheck: false, dir: "ltr", className: "code", placeholder: "sum(amount)" }),
    };
    return this.#form("add_metric", [["metric_name", fields.name], ["metric_table", fields.table], ["metric_sql", fields.sql]], () => {
      const metric = Object.fromEntries(Object.entries(fields).map(([name, field]) => [name, field.value.trim()]));
      return this.#change({ metrics: [metric] }, t("approved_now", { name: metric.name }));
    });
  }

  #joinForm() {
    const columns = this.dataset.tables.flatMap((table) => table.columns.map((column) => ({ table: table.name, column: column.name })));
    const pick = () => make("select", {}, ...columns.map((place) => make("option", { value: JSON.stringify(place), textContent: this.#place(place) })));
    const [left, right] = [pick(), pick()];
    const second = columns.findIndex((place) => place.table !== columns[0].table);
    right.selectedIndex = Math.max(0, second);
    return this.#form("add_join", [["join_left", left], ["join_right", right]], () =>
      this.#change({ joins: [{ left: JSON.parse(left.value), right: JSON.parse(right.value) }] }, t("saved_changes")));
  }

  #form(titleKey, fields, send) {
    const submit = make("button", { className: "button", textContent: t(titleKey) });
    const form = make("form", { className: "form", autocomplete: "off" },
      make("div", { className: "words" }, ...fields.map(([key, field]) => make("label", { className: "field" }, make("span", { textContent: t(key) }), field))),
      make("div", {}, submit));
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      submit.disabled = true;
      await send();
      submit.disabled = false;
    });
    return form;
  }

  #called(tableName) {
    const table = this.dataset.tables.find((each) => each.name === tableName);
    return table?.label || tableName;
  }

  #place({ table, column }) {
    const found = this.dataset.tables.find((each) => each.name === table)?.columns.find((each) => each.name === column);
    return `${this.#called(table)} · ${found?.label || column}`;
  }
}

/** A heading, what it is for, and a list; or what to say while the list is empty. */
export function section(key, items, emptyKey = null) {
  const list = items.length ? make("ul", { className: "list" }, ...items) : emptyKey && make("p", { className: "quiet", textContent: t(emptyKey) });
  return [make("h2", { textContent: t(key) }), make("p", { className: "quiet", textContent: t(`${key}_lead`) }), list].filter(Boolean);
}
