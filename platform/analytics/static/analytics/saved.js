import { attempt, reasonOf, startFrame, toast } from "./frame.js";
import { byId, make, tool } from "./dom.js";
import { all, Away, post, Refused, remove, settings } from "./server.js";
import { sqlBlock } from "./sql.js";
import { moment, t } from "./strings.js";

const INPUT_TYPES = { number: "number", date: "date", text: "text" };

/** The page of saved questions: each with the values that can be changed, run at a press. */
class SavedPage {
  constructor() {
    startFrame("saved_title");
    this.#load();
  }

  async #load() {
    await attempt(async () => {
      const [saved, datasets] = await Promise.all([all("saved/?limit=100"), all("datasets/?limit=100")]);
      this.names = new Map(datasets.map((each) => [each.id, each.kind === "conversations" ? t("conversations_name") : each.name]));
      byId("saved").replaceChildren(...saved.map((each) => this.#item(each)));
      byId("empty").hidden = saved.length > 0;
    });
    byId("loading").hidden = true;
  }

  #item(saved) {
    const fields = saved.parameters.map(parameterField);
    const problem = make("p", { className: "field__problem", role: "alert", hidden: true });
    const runs = make("button", { className: "button button--main button--small", textContent: t("run_again") });
    const about = [t("about_dataset", { name: this.names.get(saved.dataset) ?? "" }), moment(saved.updated_at)].join(" · ");
    const form = make("form", { className: "form", data: { id: saved.id } },
      make("div", { className: "sheet__head" }, make("h2", { dir: "auto", textContent: saved.name }),
        settings().can_edit ? tool("delete_saved", "bin", () => this.#delete(saved, form)) : null),
      make("p", { className: "quiet", textContent: about }),
      fields.length ? make("div", { className: "words" }, ...fields.map((field) => field.element)) : null,
      problem,
      make("div", { className: "row" }, runs),
      make("details", { className: "more" }, make("summary", { textContent: "SQL" }), sqlBlock(saved.sql)));
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      runs.disabled = true;
      problem.hidden = true;
      try {
        const parameters = Object.fromEntries(fields.map((field) => field.value()));
        const question = await post(`saved/${saved.id}/run/`, { parameters });
        location.href = `${settings().base}q/${question.id}/`;
      } catch (error) {
        if (!(error instanceof Refused || error instanceof Away)) throw error;
        problem.textContent = reasonOf(error);
        problem.hidden = false;
      } finally {
        runs.disabled = false;
      }
    });
    return form;
  }

  async #delete(saved, form) {
    if (!(await attempt(() => remove(`saved/${saved.id}/`)))) return;
    form.remove();
    toast(t("deleted_saved", { name: saved.name }), { text: t("undo"), run: () => this.#keepAgain(saved) });
    byId("empty").hidden = byId("saved").childElementCount > 0;
    byId("main").focus();
  }

  async #keepAgain({ dataset, name, question, sql, parameters, chart }) {
    if (await attempt(() => post("saved/", { dataset, name, question, sql, parameters, chart }))) await this.#load();
  }
}

function parameterField({ name, label, type, value, choices }) {
  const control = type === "choice"
    ? make("select", {}, ...choices.map((each) => make("option", { value: String(each), textContent: String(each), selected: each === value })))
    : make("input", { type: INPUT_TYPES[type], value: String(value), required: true, step: "any", dir: "auto" });
  const element = make("label", { className: "field" }, make("span", { textContent: label || name }), control);
  return { element, value: () => [name, type === "number" ? Number(control.value) : control.value] };
}

new SavedPage();
