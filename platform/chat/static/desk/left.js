import { byId } from "../chat/dom.js";
import { make } from "../members/make.js";
import { all, patch, settings } from "../members/server.js";
import { announce, attempt, startFrame } from "./frame.js";
import { moment, t } from "./strings.js";

/** What visitors left in the form, when nobody was there: whom to call back, until one has. */
class Left {
  constructor() {
    startFrame();
    byId("with-done").addEventListener("change", () => this.#load());
    this.#load();
  }

  async #load() {
    await attempt(async () => {
      this.requests = await all(byId("with-done").checked ? "contact-requests/?limit=100" : "contact-requests/?done=false&limit=100");
      this.#draw();
    });
    byId("loading").hidden = true;
  }

  #draw() {
    byId("none").hidden = this.requests.length > 0;
    byId("left").replaceChildren(...this.requests.map((request) => this.#line(request)));
  }

  #line(request) {
    const done = make("input", { type: "checkbox", checked: request.done, onchange: () => this.#setDone(request, done) });
    const name = request.name || t("about_visitor");
    return make(
      "li",
      { className: request.done ? "reply is-done" : "reply" },
      make(
        "div",
        { className: "reply__body" },
        make("p", {}, make("bdi", { className: "reply__shortcut", textContent: name }), make("bdi", { textContent: request.contact }), make("time", { className: "quiet", dateTime: request.created_at, textContent: moment(request.created_at) })),
        request.message && make("p", { className: "reply__text", dir: "auto", textContent: request.message }),
        make("p", {}, make("a", { href: `${settings().base}c/${request.conversation_id}/`, textContent: t("open_talk") })),
      ),
      make("label", { className: "check" }, done, make("span", { textContent: t("is_done") }), make("span", { className: "visually-hidden", textContent: `: ${name}` })),
    );
  }

  async #setDone(request, box) {
    const isDone = await attempt(async () => {
      Object.assign(request, await patch(`contact-requests/${request.id}/`, { done: box.checked }));
    });
    if (!isDone) box.checked = request.done;
    else announce(t(request.done ? "now_done" : "now_open"));
    box.closest("li").classList.toggle("is-done", request.done);
  }
}

new Left();
