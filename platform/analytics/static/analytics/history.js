import { attempt, startFrame } from "./frame.js";
import { byId, make } from "./dom.js";
import { all, get, settings } from "./server.js";
import { sqlBlock } from "./sql.js";
import { count, moment, t } from "./strings.js";

/** The page of every statement that ran or was refused. */
class HistoryPage {
  constructor() {
    startFrame("history_title");
    this.dataset = new URLSearchParams(location.search).get("dataset") ?? "";
    byId("dataset").addEventListener("change", (event) => (location.search = event.target.value ? `?dataset=${event.target.value}` : ""));
    byId("more").addEventListener("click", () => this.#load(this.next));
    attempt(() => this.#drawDatasets());
    this.#load("?limit=50");
  }

  async #drawDatasets() {
    const datasets = await all("datasets/?limit=100");
    const options = datasets.map((each) => make("option", { value: each.id, textContent: each.kind === "conversations" ? t("conversations_name") : each.name, selected: each.id === this.dataset }));
    byId("dataset").replaceChildren(make("option", { value: "", textContent: t("all_datasets") }), ...options);
  }

  async #load(query) {
    await attempt(async () => {
      const page = await get(`runs/${query}${this.dataset && !query.includes("dataset=") ? `&dataset=${this.dataset}` : ""}`);
      const rows = page.results.map(row);
      byId("runs").append(...rows);
      this.next = page.next && new URL(page.next, location.href).search;
      if (query.includes("cursor")) rows[0]?.querySelector("summary, a")?.focus();
    });
    byId("loading").hidden = true;
    const isEmpty = byId("runs").childElementCount === 0;
    byId("audit").hidden = isEmpty;
    byId("empty").hidden = !isEmpty;
    byId("more").hidden = !this.next;
  }
}

function row(run) {
  const cell = (properties, ...children) => make("td", properties, ...children);
  const isOk = run.verdict === "ok";
  const verdict = make("span", { className: `state state--${isOk ? "ok" : "refused"}`, textContent: isOk ? t("verdict_ok") : run.verdict });
  return make("tr", {},
    cell({}, make("time", { dateTime: run.at, textContent: moment(run.at) })),
    cell({}, ...whatParts(run)),
    cell({}, verdict),
    cell({ className: "is-number", textContent: isOk ? count(run.rows) : "" }),
    cell({ className: "is-number", textContent: t("history_ms", { n: count(run.elapsed_ms) }) }),
    cell({}, make("bdi", { textContent: whoRan(run.who) })));
}

/** The question with a link to its answer; below it the SQL: what ran, and what was given where that says something else. */
function whatParts(run) {
  const origin = make("span", { className: "quiet", textContent: [t(`origin_${run.origin}`), run.dataset_name].filter(Boolean).join(" · ") });
  const question = run.question ? make("div", {}, make("a", { href: `${settings().base}q/${run.question_id}/`, dir: "auto", textContent: run.question })) : null;
  const sql = make("details", {}, make("summary", {}, make("code", { textContent: shortened(run.sql_given) })), sqlBlock(run.sql_run || run.sql_given));
  if (run.sql_run && run.sql_run !== run.sql_given) sql.append(make("p", { className: "quiet", textContent: t("sql_given") }), sqlBlock(run.sql_given));
  return [question, origin, sql].filter(Boolean);
}

function whoRan({ kind, name }) {
  if (kind === "member") return name;
  return { key: `${t("who_key")} ${name}`, end_user: t("who_visitor"), operator: t("who_operator") }[kind];
}

function shortened(sql) {
  const line = sql.replace(/\s+/g, " ");
  return line.length > 90 ? `${line.slice(0, 90)}…` : line;
}

new HistoryPage();
