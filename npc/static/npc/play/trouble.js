import { byId, showText } from "../../chat/dom.js";
import { Away, Refused } from "./server.js";
import { explain, t } from "./strings.js";

const AGAIN_AFTER_MS = 4000;

/** The banner over the map when something does not work. Where the server is away it asks again by itself. */
export class Trouble {
  constructor(on) {
    this.on = on;
    this.timer = 0;
  }

  /** Anything else than an answer that was refused or did not come is a fault of ours, and loud. */
  tell(error) {
    if (!(error instanceof Away || error instanceof Refused)) throw error;
    this.clear();
    if (error.status === 404 && !byId("loading").hidden) return this.#show(t("trouble_missing"), t("try_again"), this.on.again);
    if (error.isOver) return this.#show(t("trouble_over"), t("begin_anew"), this.on.startOver);
    if (error.retryAfterS) return this.#show(t("trouble_hurry", { seconds: error.retryAfterS }));
    if (error.status && error.status < 500) return this.#show(explain(error));
    this.#show(t("trouble_away"), t("try_again"), this.on.again);
    this.timer = setTimeout(this.on.again, AGAIN_AFTER_MS);
  }

  #show(text, label = "", action = null) {
    byId("banner-text").textContent = text;
    showText(byId("banner-action"), label);
    byId("banner-action").onclick = action;
    byId("banner").hidden = false;
  }

  clear() {
    clearTimeout(this.timer);
    byId("banner").hidden = true;
  }
}
