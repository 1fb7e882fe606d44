import { byId } from "../chat/dom.js";
import { make } from "../members/make.js";
import { t } from "./strings.js";

const SHOWN = [
  [["j", "k", "↓", "↑"], "key_move"], [["Enter"], "key_open"], [["t"], "key_takeover"], [["r"], "key_reply"], [["n"], "key_note"],
  [["Enter", "Ctrl+Enter"], "key_send"], [["/"], "key_canned"], [["f"], "key_transfer"], [["b"], "key_release"], [["e"], "key_close"],
  [["s"], "key_search"], [["1", "2", "3", "4"], "key_views"], [["i"], "key_context"], [["Esc"], "key_back"], [["?"], "key_help"],
]; // prettier-ignore

/** Single keys, while nobody writes and no window is open. Whoever they disturb can switch them off. */
export class Keys {
  /** `deeds`: what each key does. */
  constructor({ memory, deeds }) {
    Object.assign(this, { memory, deeds });
    this.isOn = memory.read("keys", true);
    byId("keys-open").addEventListener("click", () => this.help());
    byId("single-keys").addEventListener("change", ({ target }) => {
      this.isOn = target.checked;
      memory.write("keys", this.isOn);
    });
    document.addEventListener("keydown", (event) => this.#pressed(event));
  }

  help() {
    byId("single-keys").checked = this.isOn;
    const rows = SHOWN.flatMap(([keys, text]) => [make("dt", {}, ...keys.map((key) => make("kbd", { textContent: key }))), make("dd", { textContent: t(text) })]);
    byId("keys-list").replaceChildren(...rows);
    byId("keys").showModal();
  }

  #pressed(event) {
    if (event.isComposing || event.altKey || event.metaKey || document.querySelector("dialog:modal")) return;
    if (event.key === "Escape") return void this.deeds.Escape(event);
    if (event.ctrlKey || !this.isOn || event.target.matches("input, select, textarea")) return;
    const deed = event.key === "?" ? () => this.help() : this.deeds[event.key];
    // Arrows scroll wherever something other than the list has the focus.
    if (!deed || (event.key.startsWith("Arrow") && !event.target.closest("#rows, body:not(:has(:focus))"))) return;
    event.preventDefault();
    deed(event);
  }
}
