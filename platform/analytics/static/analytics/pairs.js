import { attempt, reasonOf, toast } from "./frame.js";
import { button, make, tool } from "./dom.js";
import { Editor } from "./editor.js";
import { all, Away, patch, post, Refused, remove } from "./server.js";
import { sqlBlock } from "./sql.js";
import { t } from "./strings.js";

/** Questions whose SQL somebody found right, those that wait for a word from an editor first. */
export class PairsPane {
  constructor(element, context) {
    Object.assign(this, { element, ...context });
    this.path = `${this.path}pairs/`;
    this.list = make("ul", { className: "list" });
    element.append(make("p", { className: "quiet", textContent: t("pairs_lead") }), this.list);
  }

  async show(dataset) {
    if (dataset.tables.length === 0) return;
    if (this.canEdit && !this.form) this.element.append((this.form = this.#form(dataset)));
    await attempt(() => this.#load());
  }

  async #load() {
    const pairs = await all(`${this.path}?limit=100`);
    pairs.sort((a, b) => (a.status === "approved") - (b.status === "approved"));
    const none = make("li", { className: "quiet", textContent: t("no_pairs") });
    this.list.replaceChildren(...(pairs.length ? pairs.map((pair) => this.#item(pair)) : [none]));
  }

  #item(pair) {
    const isOpen = pair.status === "proposed";
    const body = make("div", { className: "item__body" }, make("strong", { dir: "auto", textContent: pair.question }), sqlBlock(pair.sql), make("span", { className: "quiet", textContent: t(`origin_${pair.origin}`, {}, pair.origin) }));
    const deeds = make("div", { className: "row" });
    if (isOpen) deeds.append(make("span", { className: "state state--proposed", textContent: t("proposed") }));
    if (this.canEdit && isOpen) deeds.append(button("approve", { icon: "done", onClick: () => this.#change(() => patch(`${this.path}${pair.id}/`, { status: "approved" }), t("approved_now", { name: pair.question })) }));
    if (this.canEdit) deeds.append(tool("remove", "bin", () => this.#remove(pair)));
    return make("li", { className: "item" }, body, deeds);
  }

  #remove(pair) {
    const { question, sql, status } = pair;
    const undo = { text: t("undo"), run: () => this.#change(() => post(this.path, { question, sql, status }), t("saved_changes")) };
    return this.#change(() => remove(`${this.path}${pair.id}/`), t("removed", { name: question }), undo);
  }

  async #change(deed, told, undo = null) {
    if (!(await attempt(deed))) return;
    toast(told, undo);
    await attempt(() => this.#load());
    this.element.focus();
  }

  #form(dataset) {
    const question = make("input", { required: true, maxLength: 2000, dir: "auto" });
    const problem = make("p", { className: "field__problem", role: "alert", hidden: true });
    const editor = new Editor({ sql: "", tables: dataset.tables, label: t("pair_sql"), onRun: () => form.requestSubmit() });
    const submit = make("button", { className: "button", textContent: t("add_pair") });
    const form = make("form", { className: "form", autocomplete: "off" }, make("h3", { textContent: t("add_pair") }),
      make("label", { className: "field" }, make("span", { textContent: t("pair_question") }), question),
      make("div", { className: "field" }, make("span", { textContent: t("pair_sql") }), editor.element), problem, make("div", {}, submit));
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      submit.disabled = true;
      problem.hidden = true;
      try {
        await post(this.path, { question: question.value.trim(), sql: editor.sql });
        toast(t("approved_now", { name: question.value.trim() }));
        form.reset();
        await this.#load();
      } catch (error) {
        if (!(error instanceof Refused || error instanceof Away)) throw error;
        problem.textContent = reasonOf(error);
        problem.hidden = false;
      } finally {
        submit.disabled = false;
      }
    });
    return form;
  }
}
