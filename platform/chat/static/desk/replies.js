import { byId, icon, showText } from "../chat/dom.js";
import { make } from "../members/make.js";
import { all, get, patch, post, remove } from "../members/server.js";
import { attempt, choose, reasonFor, startFrame, toast } from "./frame.js";
import { label, t } from "./strings.js";

/** The small page on which canned replies are written. */
class Replies {
  constructor() {
    startFrame();
    this.list = byId("replies");
    byId("new").addEventListener("click", () => this.#edit(null));
    byId("reply-cancel").addEventListener("click", () => byId("reply").close());
    byId("reply-form").addEventListener("submit", (event) => {
      event.preventDefault();
      this.#save();
    });
    this.#load();
  }

  async #load() {
    await attempt(async () => {
      const [replies, personas] = await Promise.all([all("replies/?limit=100"), get("personas/")]);
      this.replies = replies;
      this.personas = personas.results;
      const options = this.personas.map(({ slug, name }) => make("option", { value: slug, textContent: name }));
      byId("reply-persona").replaceChildren(byId("reply-persona").options[0], ...options);
      this.#draw();
    });
    byId("loading").hidden = true;
  }

  #draw() {
    this.replies.sort((a, b) => a.shortcut.localeCompare(b.shortcut));
    byId("none").hidden = this.replies.length > 0;
    this.list.replaceChildren(...this.replies.map((reply) => this.#line(reply)));
  }

  #line(reply) {
    const persona = this.personas.find(({ slug }) => slug === reply.persona)?.name;
    const language = { zh: t("chinese"), en: t("english") }[reply.language];
    return make(
      "li",
      { className: "reply" },
      make(
        "div",
        { className: "reply__body" },
        make("p", {}, make("bdi", { className: "reply__shortcut", textContent: `/${reply.shortcut}` }), ...[language, persona].filter(Boolean).map((textContent) => make("span", { className: "state", textContent }))),
        make("p", { className: "reply__text", dir: "auto", textContent: reply.text }),
      ),
      this.#tool("edit_reply", "edit", reply, () => this.#edit(reply)),
      this.#tool("delete", "bin", reply, () => this.#delete(reply)),
    );
  }

  #tool(text, name, reply, onClick) {
    const button = make("button", { type: "button", className: "tool tool--small", onclick: onClick }, icon(name));
    label(button, `${t(text)}: /${reply.shortcut}`);
    return button;
  }

  #edit(reply) {
    this.edited = reply;
    byId("reply-heading").textContent = t(reply ? "edit_reply" : "new_reply");
    byId("reply-shortcut").value = reply?.shortcut ?? "";
    byId("reply-text").value = reply?.text ?? "";
    byId("reply-language").value = reply?.language ?? "";
    byId("reply-persona").value = reply?.persona ?? "";
    showText(byId("reply-problem"), "");
    byId("reply").showModal();
    byId("reply-shortcut").focus();
  }

  async #save() {
    const body = {
      shortcut: byId("reply-shortcut").value.trim(),
      text: byId("reply-text").value,
      language: byId("reply-language").value,
      persona: byId("reply-persona").value || null,
    };
    try {
      const saved = this.edited ? await patch(`replies/${this.edited.id}/`, body) : await post("replies/", body);
      this.replies = [...this.replies.filter(({ id }) => id !== saved.id), saved];
    } catch (error) {
      return showText(byId("reply-problem"), reasonFor(error));
    }
    byId("reply").close();
    toast(t("saved"));
    this.#draw();
  }

  async #delete(reply) {
    const isSure = await choose({ title: t("delete_reply"), text: t("delete_reply_text", { shortcut: `/${reply.shortcut}` }), yes: t("delete") });
    if (!isSure || !(await attempt(() => remove(`replies/${reply.id}/`)))) return;
    this.replies = this.replies.filter((each) => each !== reply);
    toast(t("deleted"));
    this.#draw();
    byId("new").focus();
  }
}

new Replies();
