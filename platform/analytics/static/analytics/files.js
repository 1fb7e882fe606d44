import { attempt } from "./frame.js";
import { button, make } from "./dom.js";
import { all, get, post } from "./server.js";
import { count, moment, t } from "./strings.js";
import { uploadRow } from "./uploading.js";

const UNDER_WAY = new Set(["queued", "reading", "importing"]);
const MODES = ["replace", "append", "new"];

/** The files of a dataset with their states, and the way to bring a newer one. */
export class FilesPane {
  constructor(element, { path, canEdit, reload }) {
    Object.assign(this, { element, path, canEdit, reload, isBusy: false });
    this.list = make("ul", { className: "list" });
    this.uploads = make("ul", { className: "uploads" });
    element.append(...(canEdit ? [this.#form(), this.uploads] : []), this.list);
  }

  async show(dataset) {
    if (dataset.kind !== "files") return;
    await attempt(async () => {
      this.files = await all(`${this.path}files/`, 100);
    });
    this.isBusy = (this.files ?? []).some((file) => UNDER_WAY.has(file.status));
    const drawn = JSON.stringify(this.files);
    if (drawn === this.drawn) return;
    this.drawn = drawn;
    this.list.replaceChildren(...(this.files ?? []).map((file) => this.#item(file)));
  }

  #form() {
    const mode = make("select", { name: "mode" }, ...MODES.map((value) => make("option", { value, textContent: t(`mode_${value}`) })));
    const files = make("input", { type: "file", name: "files[]", multiple: true, required: true, accept: ".csv,.tsv,.txt,.xlsx,.parquet" });
    const form = make("form", { className: "form" },
      make("p", { className: "quiet", textContent: t("files_lead") }),
      make("div", { className: "words" },
        make("label", { className: "field" }, make("span", { textContent: t("choose_files") }), files),
        make("label", { className: "field" }, make("span", { textContent: t("mode") }), mode)),
      make("div", {}, make("button", { className: "button button--main", textContent: t("upload_again") })));
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      const name = [...files.files].map((file) => file.name).join(", ");
      if (!(await uploadRow(this.uploads, { path: `${this.path}files/`, form: new FormData(form), name }))) return;
      this.uploads.replaceChildren();
      form.reset();
      this.reload();
    });
    return form;
  }

  #item(file) {
    const { done = 0, total = 0 } = file.progress ?? {};
    const isUnderWay = UNDER_WAY.has(file.status);
    const facts = [t(`mode_${file.mode}`), size(file.size_bytes), moment(file.created_at)].join(" · ");
    const body = make("div", { className: "item__body" }, make("bdi", { textContent: file.name }), make("span", { className: "quiet", textContent: facts }));
    if (isUnderWay && total) body.append(make("progress", { className: "progress", max: total, value: done, ariaLabel: file.name }), make("span", { className: "quiet", textContent: t("rows_in", { done: count(done), total: count(total) }) }));
    if (file.status === "ready") body.append(this.#notes(file));
    if (file.error) body.append(make("p", { className: "problem", textContent: file.error.detail }));
    const deed = (name, key) => button(key, { onClick: (pressed) => this.#act(file, name, pressed) });
    return make("li", { className: "item" }, body, make("span", { className: `state state--${file.status}`, textContent: t(`file_${file.status}`) }),
      this.canEdit && isUnderWay ? deed("cancel", "cancel_import") : null,
      this.canEdit && ["failed", "cancelled"].includes(file.status) ? deed("retry", "retry_import") : null);
  }

  /** What was noticed while the file was read, fetched when somebody wants to know. */
  #notes(file) {
    const notes = make("ul", { className: "list" });
    const box = make("details", { className: "more" }, make("summary", { textContent: t("file_notes") }), notes);
    box.addEventListener("toggle", () => box.open && notes.childElementCount === 0 && attempt(async () => {
      const { tables } = await get(`${this.path}files/${file.id}/`);
      const said = tables.flatMap((table) => [...about(table), ...table.columns.flatMap(about)]);
      notes.replaceChildren(...(said.length ? said : [t("file_no_notes")]).map((textContent) => make("li", { dir: "auto", textContent })));
    }));
    return box;
  }

  async #act(file, name, pressed) {
    pressed.disabled = true;
    await attempt(() => post(`${this.path}files/${file.id}/${name}/`));
    this.reload();
  }
}

const about = ({ label, name, notes }) => notes.map((note) => t("note_about", { name: label || name, note }));

function size(bytes) {
  const isBig = bytes >= 1024 * 1024;
  return t(isBig ? "megabytes" : "kilobytes_of_file", { n: count(isBig ? Math.round(bytes / 104857.6) / 10 : Math.ceil(bytes / 1024)) });
}
