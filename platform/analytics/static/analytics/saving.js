import { reasonOf, toast } from "./frame.js";
import { button, make } from "./dom.js";
import { choiceIn } from "./figure.js";
import { Away, post, Refused, settings } from "./server.js";
import { t } from "./strings.js";

const LONGEST_NAME = 200;

/** Ask under which name an answer is to be saved, and which values in its SQL may be others the next time. */
export async function saveQuestion(question) {
  const literals = await post("saved/literals/", { sql: question.sql }).then((answer) => answer.literals, () => []);
  const name = make("input", { required: true, maxLength: LONGEST_NAME, value: question.question.slice(0, LONGEST_NAME), dir: "auto" });
  const rows = literals.map((literal, at) => parameterRow(literal, at));
  const problem = make("p", { className: "field__problem", role: "alert", hidden: true });
  const save = make("button", { className: "button button--main", textContent: t("save") });
  const dialog = make("dialog", { className: "window", ariaLabel: t("save_title") });
  const form = make("form", {}, make("h2", { textContent: t("save_title") }), make("p", { className: "quiet", textContent: t("save_text") }),
    make("label", { className: "field" }, make("span", { textContent: t("save_name") }), name),
    rows.length ? make("fieldset", { className: "parameters" }, make("legend", { textContent: t("parameters") }), ...rows.map((row) => row.element)) : null,
    problem, make("div", { className: "window__foot" }, button("cancel", { className: "button", onClick: () => dialog.close() }), save));
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    save.disabled = true;
    const chart = question.chart ? withoutNothing(choiceIn(question.chart)) : null;
    const body = { dataset: question.dataset, name: name.value.trim(), question: question.question, sql: question.sql, parameters: rows.flatMap((row) => row.parameter()) };
    try {
      await post("saved/", chart ? { ...body, chart } : body);
      dialog.close();
      toast(t("save_done"), { text: t("see_saved"), run: () => (location.href = `${settings().base}saved/`) });
    } catch (error) {
      if (!(error instanceof Refused || error instanceof Away)) throw error;
      problem.textContent = reasonOf(error);
      problem.hidden = false;
      save.disabled = false;
    }
  });
  dialog.append(form);
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
  name.select();
}

/** A value that may become a parameter, and what it is called then. */
function parameterRow({ value, type, column }, at) {
  const use = make("input", { type: "checkbox" });
  const label = make("input", { value: column, maxLength: 100, dir: "auto", disabled: true, placeholder: t("parameter_label"), aria: { label: `${t("parameter_label")}: ${value}` } });
  use.addEventListener("change", () => (label.disabled = !use.checked));
  const element = make("div", { className: "row" }, make("label", { className: "check" }, use, make("bdi", { textContent: value })), label);
  const parameter = () => (use.checked ? [{ name: `p${at + 1}`, label: label.value.trim(), type, value }] : []);
  return { element, parameter };
}

function withoutNothing(choice) {
  return Object.fromEntries(Object.entries(choice).filter(([, value]) => value !== null));
}
