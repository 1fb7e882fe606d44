import { byId } from "../chat/dom.js";
import { make } from "../members/make.js";
import { sourceButton } from "./said.js";
import { moment, shortMoment, t } from "./strings.js";
import { languageName, nameOf, reasonOf, stateOf } from "./words.js";

const WIDE = matchMedia("(min-width: 1181px)");

/** What is known about a conversation and its visitor. Beside it where there is room, else over it when asked for. */
export class Context {
  constructor({ me, addressOf, recordOf, onCite }) {
    Object.assign(this, { me, addressOf, recordOf, onCite });
    this.panel = byId("context");
    byId("context-open").addEventListener("click", () => this.toggle());
    byId("context-close").addEventListener("click", () => this.close());
    byId("context-body").addEventListener("click", (event) => {
      const cite = event.target.closest("[data-n]");
      if (cite) this.onCite(this.sources[Number(cite.dataset.at)], cite);
    });
  }

  get isOver() {
    return this.panel.classList.contains("is-open") && !WIDE.matches;
  }

  toggle() {
    if (WIDE.matches) return byId("context-body").focus();
    if (this.isOver) return this.close();
    this.panel.classList.add("is-open");
    byId("context-close").focus();
  }

  close() {
    if (!this.isOver) return;
    this.panel.classList.remove("is-open");
    byId("context-open").focus();
  }

  hide() {
    this.panel.hidden = true;
    this.panel.classList.remove("is-open");
  }

  show(thread) {
    const { row } = thread;
    this.panel.hidden = false;
    this.sources = sourcesOf(thread);
    const print = JSON.stringify([row.reason, row.visitor, row.satisfaction, row.handoffs, row.earlier, row.contact, this.sources.map(({ citation }) => citation.chunk_id)]);
    if (this.print === `${row.id}${print}`) return;
    this.print = `${row.id}${print}`;
    byId("context-body").replaceChildren(...[this.#why(row), this.#visitor(row), this.#used(), this.#earlier(row), this.#record(row)].filter(Boolean));
  }

  #why({ handoffs, reason, contact }) {
    const asked = handoffs.findLast((handoff) => handoff.state === "requested");
    if (!asked && !contact) return null;
    const words = asked?.detail || reason;
    return make(
      "section",
      { className: "context__why" },
      make("h3", { textContent: t("why_person") }),
      asked && make("p", { textContent: reasonOf(asked) }),
      words && make("blockquote", { dir: "auto", textContent: words }),
      contact && make("blockquote", { dir: "auto", textContent: [contact.name, contact.contact, contact.message].filter(Boolean).join("\n") }),
    );
  }

  #visitor(row) {
    const facts = make("dl", { className: "facts" });
    const say = (key, value) => value && facts.append(make("dt", { textContent: t(key) }), make("dd", {}, make("bdi", { textContent: value })));
    say("name", row.visitor.name);
    // The id of one who did not say who he is was made up by us.
    say("visitor_id", !row.visitor.id.startsWith("visitor-") && row.visitor.id);
    say("language", row.visitor.locale && languageName(row.visitor.locale));
    say("since", moment(row.opened_at));
    say("satisfaction", row.satisfaction && t("of_five", { n: row.satisfaction }) + (row.satisfaction_comment ? ` · ${row.satisfaction_comment}` : ""));
    return make("section", {}, make("h3", { textContent: t("about_visitor") }), facts);
  }

  #used() {
    const list = make("ul", { className: "sources" });
    this.sources.forEach(({ citation }, at) => {
      const button = sourceButton(citation);
      button.dataset.at = at;
      list.append(make("li", {}, button));
    });
    return make("section", {}, make("h3", { textContent: t("sources_here") }), this.sources.length ? list : make("p", { className: "quiet", textContent: t("sources_none") }));
  }

  #earlier({ earlier }) {
    const link = (row) =>
      make(
        "li",
        {},
        make(
          "a",
          { className: "past", href: this.addressOf(row.id), data: { id: row.id } },
          make("span", {}, make("bdi", { textContent: row.last?.text || nameOf(row) })),
          make("small", { textContent: `${shortMoment(row.last_message_at ?? row.opened_at)} · ${stateOf(row, this.me)} · ${t("earlier_count", { count: row.message_count })}` }),
        ),
      );
    return make("section", {}, make("h3", { textContent: t("earlier") }), earlier.length ? make("ul", {}, ...earlier.map(link)) : make("p", { className: "quiet", textContent: t("earlier_none") }));
  }

  #record(row) {
    return make("p", {}, make("a", { href: this.recordOf(row.id), textContent: t("open_record") }));
  }
}

/** Each passage that an answer cites once, the newest first, with the answer that it supports. */
function sourcesOf({ entries }) {
  const found = new Map();
  for (const entry of entries.filter(({ role }) => role === "bot").reverse()) {
    for (const citation of entry.citations ?? []) if (!found.has(citation.chunk_id)) found.set(citation.chunk_id, { entry, citation });
  }
  return [...found.values()];
}
