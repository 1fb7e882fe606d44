import { attempt, confirmed, endToast, reasonOf, startFrame, toast } from "./frame.js";
import { byId, icon, make, tool } from "./dom.js";
import { uploadRow } from "./uploading.js";
import { all, post, remove, settings } from "./server.js";
import { count, moment, t } from "./strings.js";

const LOOK_AGAIN_MS = 1500;

/** The page of all datasets. */
class DatasetsPage {
  constructor() {
    startFrame("datasets_title");
    this.deleted = new Set(); // ids that the server may not have heard of yet
    this.canEdit = settings().can_edit;
    if (this.canEdit) this.#startAdding();
    this.#load();
  }

  async #load() {
    const isDone = await attempt(async () => {
      const datasets = await all("datasets/?limit=100");
      // What the tenant brought comes first.
      this.datasets = datasets.sort((a, b) => (a.kind === "conversations") - (b.kind === "conversations"));
    });
    byId("loading").hidden = true;
    if (isDone) this.#draw();
  }

  #draw() {
    const shown = this.datasets.filter((each) => !this.deleted.has(each.id));
    const own = shown.filter((each) => each.kind !== "conversations");
    byId("datasets").replaceChildren(...shown.map((each) => this.#card(each)));
    if (this.canEdit && own.length === 0) byId("drop").hidden = false;
    clearTimeout(this.timer);
    if (this.datasets.some((each) => each.status === "importing")) this.timer = setTimeout(() => this.#load(), LOOK_AGAIN_MS);
  }

  #card(dataset) {
    const address = `${settings().base}data/${dataset.id}/`;
    const title = make("h2", {}, make("a", { href: address, className: "card__link" }, make("bdi", { textContent: nameOf(dataset) })));
    const foot = make("p", { className: "card__foot" }, stateOf(dataset), make("span", { textContent: t("changed_at", { when: moment(dataset.updated_at) }) }));
    const body = make("div", { className: "card__body" }, title, make("p", { className: "quiet", textContent: contentsOf(dataset) }), foot);
    if (dataset.status === "failed") body.append(make("p", { className: "problem", textContent: dataset.error?.detail || t("error_unknown") }));
    const tools = make("div", { className: "card__tools" });
    if (dataset.status === "ready") tools.append(make("a", { className: "button button--small", href: `${settings().base}?dataset=${dataset.id}` }, icon("ask"), make("span", { textContent: t("ask_this") })));
    if (this.canEdit && dataset.kind !== "conversations") tools.append(tool("delete_dataset", "bin", () => this.#delete(dataset)));
    return make("li", { className: "card", data: { id: dataset.id } }, make("span", { className: "card__icon" }, icon(KIND_ICONS[dataset.kind] ?? "sheet")), body, tools);
  }

  async #delete(dataset) {
    const name = nameOf(dataset);
    if (!(await confirmed({ title: t("delete_title", { name }), text: t("delete_text"), yes: t("delete") }))) return;
    this.deleted.add(dataset.id);
    this.#draw();
    toast(t("deleted", { name }), { text: t("undo"), run: () => this.#bringBack(dataset), otherwise: () => this.#deleteForGood(dataset) });
    byId("toast-action").focus();
  }

  #bringBack(dataset) {
    this.deleted.delete(dataset.id);
    this.#draw();
    byId("main").focus();
  }

  /** Its tables could not be made again, so the server is told only when it can no longer be undone. */
  async #deleteForGood(dataset) {
    if (!(await attempt(() => remove(`datasets/${dataset.id}/`)))) this.#bringBack(dataset);
  }

  // --- Adding ------------------------------------------------------------------------------------------------

  #startAdding() {
    const drop = byId("drop");
    byId("add-open").addEventListener("click", () => {
      drop.hidden = false;
      byId("files").click();
    });
    byId("files").addEventListener("change", (event) => {
      this.#send([...event.target.files]);
      event.target.value = "";
    });
    for (const name of ["dragover", "drop"]) addEventListener(name, (event) => event.preventDefault());
    document.addEventListener("dragover", () => {
      drop.hidden = false;
      drop.classList.add("is-over");
    });
    document.addEventListener("dragleave", (event) => event.relatedTarget || drop.classList.remove("is-over"));
    document.addEventListener("drop", (event) => {
      drop.classList.remove("is-over");
      this.#send([...event.dataTransfer.files]);
    });
    this.#startConnecting();
  }

  async #send(files) {
    if (files.length === 0) return;
    await endToast(); // what was deleted makes room
    const form = new FormData();
    form.append("name", files[0].name.replace(/\.\w+$/, ""));
    for (const file of files) form.append("files[]", file);
    const dataset = await uploadRow(byId("uploads"), { path: "datasets/", form, name: files.map((file) => file.name).join(", ") });
    if (dataset) location.href = `${settings().base}data/${dataset.id}/`;
  }

  #startConnecting() {
    const dialog = byId("connect");
    byId("connect-open").addEventListener("click", () => dialog.showModal());
    byId("connect-cancel").addEventListener("click", () => dialog.close());
    byId("connect-form").addEventListener("submit", async (event) => {
      event.preventDefault();
      const problem = byId("connect-problem");
      problem.hidden = true;
      byId("connect-send").disabled = true;
      await endToast();
      try {
        const { name, dsn } = Object.fromEntries(new FormData(event.target));
        const dataset = await post("datasets/", { name, dsn });
        location.href = `${settings().base}data/${dataset.id}/`;
      } catch (error) {
        problem.textContent = reasonOf(error);
        problem.hidden = false;
      } finally {
        byId("connect-send").disabled = false;
      }
    });
  }
}

const KIND_ICONS = { postgres: "plug", conversations: "bubbles" };

function nameOf(dataset) {
  return dataset.kind === "conversations" ? t("conversations_name") : dataset.name;
}

function contentsOf(dataset) {
  if (dataset.kind === "conversations") return t("conversations_text");
  const kind = t(`kind_${dataset.kind}`);
  return dataset.table_count === undefined ? kind : `${kind} · ${t("table_count", { n: count(dataset.table_count) })}`;
}

function stateOf(dataset) {
  return make("span", { className: `state state--${dataset.status}`, textContent: t(`dataset_${dataset.status}`) });
}

new DatasetsPage();
