import { showText } from "./dom.js";

// A connection that is back within this time is not worth a word.
const PATIENCE_MS = 600;

/** Says above the conversation how the connection fares, while it is not well. */
export class Banner {
  /** `onReload`: begin again, after the server would not let us in. */
  constructor(surface, { onConnectNow, onReload }) {
    this.surface = surface;
    this.element = surface.byId("banner");
    this.state = { name: "idle" };
    surface.byId("banner-action").addEventListener("click", () => {
      if (this.state.name === "refused") onReload();
      else onConnectNow();
    });
  }

  show(state) {
    const wasWell = ["idle", "ready"].includes(this.state.name);
    // Between two tries the last loss goes on being shown.
    if (state.name === "connecting" && this.state.name === "waiting") return;
    this.state = state;
    clearTimeout(this.patience);
    if (wasWell && state.name !== "refused") this.patience = setTimeout(() => this.refresh(), PATIENCE_MS);
    else this.refresh();
  }

  refresh() {
    const { surface } = this;
    const { name, reason, retryAt } = this.state;
    const key = { connecting: "connecting", waiting: { lost: "reconnecting" }[reason] ?? reason, refused: `refused_${reason}` }[name];
    this.element.hidden = !key;
    this.element.classList.toggle("is-serious", name === "refused");
    surface.byId("banner-text").textContent = key ? surface.t(key) : "";
    const actions = { waiting: reason === "lost" && "connect_now", refused: reason === "session" && "reload" };
    showText(surface.byId("banner-action"), actions[name] && surface.t(actions[name]));
    this.#count(name === "waiting" && reason !== "offline" ? retryAt : null);
  }

  /** Count down; only for the eye, a screen reader would read every second of it. */
  #count(retryAt) {
    clearTimeout(this.tick);
    const seconds = retryAt ? Math.ceil((retryAt - Date.now()) / 1000) : 0;
    this.surface.byId("banner-countdown").textContent = seconds > 0 ? this.surface.t("retry_in", { seconds }) : "";
    if (seconds > 0) this.tick = setTimeout(() => this.#count(retryAt), 1000);
  }
}
