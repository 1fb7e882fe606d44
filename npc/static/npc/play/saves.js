import { byId } from "../../chat/dom.js";
import { clockText, dayOf } from "./daylight.js";
import { currentLanguage, t } from "./strings.js";

/** The window in which stories are kept and taken up again. */
export class Saves {
  constructor(game, on) {
    Object.assign(this, { game, on });
    this.window = byId("saves");
    byId("save-now").addEventListener("click", () => this.#save());
    byId("start-over").addEventListener("click", () => {
      this.window.close();
      on.startOver();
    });
    this.window.addEventListener("close", () => on.close());
  }

  async open() {
    byId("saves-list").replaceChildren(); // what was there would take a press and then be gone
    this.window.showModal();
    this.#try(async () => this.#list(await this.game.saves()));
  }

  #save() {
    this.#try(async () => {
      this.#list(await this.game.save());
      byId("saves-note").textContent = t("saved");
    });
  }

  async #try(action) {
    byId("saves-note").textContent = "";
    try {
      await action();
    } catch (error) {
      this.window.close();
      this.on.trouble(error);
    }
  }

  #list(saves) {
    const rows = saves.map((save) => this.#row(save));
    if (!rows.length) rows.push(Object.assign(document.createElement("li"), { className: "note", textContent: t("no_saves") }));
    byId("saves-list").replaceChildren(...rows);
  }

  #row(save) {
    const row = document.createElement("li");
    row.className = "save";
    const text = document.createElement("div");
    const title = document.createElement("strong");
    title.textContent = `${t("chapter", { n: save.stage + 1, name: t(`stage_${save.stage}`) })} · ${this.game.scene(save.scene).name}`;
    const small = document.createElement("small");
    const at = new Date(save.saved_at).toLocaleString(currentLanguage(), { dateStyle: "short", timeStyle: "short" });
    const when = t("clock", { day: dayOf(save.game_time), time: clockText(save.game_time) });
    small.textContent = `${when} · ${at} · ${t("kilobytes", { n: (save.bytes / 1024).toFixed(1) })}`;
    text.append(title, small);
    const load = document.createElement("button");
    load.type = "button";
    load.className = "button button--small";
    load.textContent = t("load");
    load.addEventListener("click", () => {
      this.window.close();
      this.on.load(save.id);
    });
    row.append(text, load);
    return row;
  }
}
