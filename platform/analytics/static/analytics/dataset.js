import { announce, attempt, startFrame, toast } from "./frame.js";
import { byId, make } from "./dom.js";
import { FilesPane } from "./files.js";
import { GlossaryPane } from "./glossary.js";
import { PairsPane } from "./pairs.js";
import { get, post, settings } from "./server.js";
import { t } from "./strings.js";
import { TablesPane } from "./tables.js";

const LOOK_AGAIN_MS = 1200;
const TABS = ["tables", "glossary", "pairs", "files"];

/** The page of one dataset: what is in it, what it means, and where it came from. */
class DatasetPage {
  constructor() {
    startFrame("datasets_title");
    this.path = `datasets/${settings().dataset}/`;
    const context = { path: this.path, canEdit: settings().can_edit, reload: () => this.load() };
    this.panes = {
      tables: new TablesPane(byId("pane-tables"), context),
      glossary: new GlossaryPane(byId("pane-glossary"), context),
      pairs: new PairsPane(byId("pane-pairs"), context),
      files: new FilesPane(byId("pane-files"), context),
    };
    this.#startTabs();
    byId("refresh").addEventListener("click", () => this.#refresh());
    this.load();
  }

  async #refresh() {
    if (!(await attempt(() => post(`${this.path}refresh/`)))) return;
    toast(t("database_read"));
    await this.load();
  }

  async load() {
    const isDone = await attempt(async () => {
      this.dataset = await get(this.path);
    });
    byId("loading").hidden = true;
    if (isDone) await this.#draw();
  }

  async #draw() {
    const { dataset } = this;
    const name = dataset.kind === "conversations" ? t("conversations_name") : dataset.name;
    document.title = `${name} · ${t("ask_title")}`;
    byId("name").textContent = name;
    byId("state").replaceChildren(make("span", { className: `state state--${dataset.status}`, textContent: t(`dataset_${dataset.status}`) }));
    byId("ask").hidden = dataset.status !== "ready";
    byId("ask").href = `${settings().base}?dataset=${dataset.id}`;
    byId("failure").hidden = dataset.status !== "failed";
    byId("failure").textContent = dataset.error?.detail || t("error_unknown");
    byId("warnings").replaceChildren(...(dataset.warnings ?? []).map((textContent) => make("p", { className: "note", textContent })));
    byId("refresh").hidden = dataset.kind !== "postgres" || !settings().can_edit;
    byId("tabs").hidden = false;
    byId("tab-files").hidden = dataset.kind !== "files";
    await Promise.all(Object.values(this.panes).map((pane) => pane.show(dataset)));
    this.#lookAgain();
  }

  /** While something is read in, its state is asked for again; what somebody writes meanwhile stays. */
  #lookAgain() {
    clearTimeout(this.timer);
    const wasBusy = this.isBusy;
    this.isBusy = this.dataset.status === "importing" || this.panes.files.isBusy;
    if (wasBusy && !this.isBusy) announce(t(`dataset_${this.dataset.status}`));
    // Once more behind the last file: its tables may have come between the two answers.
    if (this.isBusy || wasBusy) this.timer = setTimeout(() => this.load(), LOOK_AGAIN_MS);
  }

  #startTabs() {
    const tabs = TABS.map((name) => byId(`tab-${name}`));
    tabs.forEach((tab, at) => {
      tab.addEventListener("click", () => this.#open(TABS[at]));
      tab.addEventListener("keydown", (event) => {
        const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
        if (!step) return;
        event.preventDefault();
        const shown = tabs.filter((each) => !each.hidden);
        const next = shown[(shown.indexOf(tab) + step + shown.length) % shown.length];
        next.focus();
        next.click();
      });
    });
    const wanted = location.hash.slice(1);
    if (TABS.includes(wanted)) this.#open(wanted);
  }

  #open(name) {
    for (const each of TABS) {
      byId(`tab-${each}`).setAttribute("aria-selected", each === name);
      byId(`tab-${each}`).tabIndex = each === name ? 0 : -1;
      byId(`pane-${each}`).hidden = each !== name;
    }
    history.replaceState(null, "", `#${name}`);
  }
}

new DatasetPage();
