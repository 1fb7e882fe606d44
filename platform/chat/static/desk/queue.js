import { byId, icon } from "../chat/dom.js";
import { make } from "../members/make.js";
import { get } from "../members/server.js";
import { attempt } from "./frame.js";
import { shortMoment, t } from "./strings.js";
import { drawVisitor, elapsed, isLongWait, lastSaid, nameOf, stateOf } from "./words.js";

const TYPED_FOR_MS = 250;
const TICK_MS = 10_000;

/** Which rows a view shows, and in which order: who waits longest comes first, else whoever spoke last. */
const VIEWS = {
  waiting: { shows: (row) => row.state === "requested", before: (a, b) => (a.requested_at ?? "").localeCompare(b.requested_at ?? "") },
  mine: { shows: (row, me) => row.state === "human" && row.agent?.id === me.id, before: byLast },
  open: { shows: (row) => row.state !== "closed", before: byLast },
  closed: { shows: (row) => row.state === "closed", before: byLast },
};

function byLast(a, b) {
  return (b.last_message_at ?? b.opened_at).localeCompare(a.last_message_at ?? a.opened_at);
}

/** The list of conversations: one view of it, kept up to date by what the server tells. */
export class Queue {
  /** `onOpen(id)` is called when somebody opens a conversation. */
  constructor({ me, addressOf, onOpen, onView }) {
    Object.assign(this, { me, addressOf, onOpen, onView });
    /** Every row heard of, whichever view it belongs to. */
    this.known = new Map();
    this.shown = new Set();
    this.looking = new Map();
    this.openId = null;
    this.next = null;
    this.view = "waiting";
    this.list = byId("rows");
    this.list.addEventListener("click", (event) => this.#clicked(event));
    for (const button of this.#viewButtons()) button.addEventListener("click", () => this.setView(button.dataset.view));
    byId("search").addEventListener("input", () => this.#searchSoon());
    byId("persona").addEventListener("change", () => this.load());
    byId("rows-more").addEventListener("click", () => attempt(() => this.#read(this.next, { isMore: true })));
    setInterval(() => document.hidden || this.#tick(), TICK_MS);
  }

  get query() {
    return byId("search").value.trim();
  }

  setPersonas(personas) {
    byId("persona").append(...personas.map(({ slug, name }) => make("option", { value: slug, textContent: name })));
  }

  setView(view) {
    this.view = view;
    this.onView(view);
    return this.load();
  }

  setCounts({ waiting, mine }) {
    const own = mine[this.me.id] ?? { open: 0, unread: 0 };
    this.counts = { waiting, ...own };
    for (const [view, count, isLoud] of [["waiting", waiting, true], ["mine", own.unread || own.open, own.unread > 0]]) {
      const badge = byId("views").querySelector(`[data-view=${view}] b`);
      badge.textContent = count;
      badge.hidden = !count;
      badge.classList.toggle("count--quiet", !isLoud);
    }
  }

  /** Read the view anew. */
  async load() {
    for (const button of this.#viewButtons()) button.setAttribute("aria-pressed", String(button.dataset.view === this.view));
    const asked = new URLSearchParams({ view: this.view });
    if (byId("persona").value) asked.set("persona", byId("persona").value);
    if (this.query) asked.set("q", this.query);
    byId("rows-loading").hidden = this.shown.size > 0;
    await attempt(() => this.#read(`conversations/?${asked}`, { isMore: false }));
    byId("rows-loading").hidden = true;
  }

  async #read(path, { isMore }) {
    const reading = (this.reading = Symbol("reading"));
    const page = await get(path);
    if (reading !== this.reading) return;
    if (!isMore) this.shown.clear();
    for (const row of page.results) {
      this.known.set(row.id, row);
      this.shown.add(row.id);
    }
    // Only the query is taken over: behind a proxy the server may not know its own address.
    this.next = page.next ? `conversations/${new URL(page.next, location.href).search}` : null;
    this.draw();
  }

  /** Take in rows that changed, and ids that are gone. Returns pairs of each row and what it was before. */
  heed(rows, gone = []) {
    const changes = rows.map((row) => [row, this.known.get(row.id) ?? null]);
    for (const row of rows) {
      this.known.set(row.id, row);
      if (this.#belongs(row)) this.shown.add(row.id);
      else this.shown.delete(row.id);
    }
    for (const id of gone) {
      this.known.delete(id);
      this.shown.delete(id);
    }
    this.draw();
    return changes;
  }

  /** A search is the server's to answer: what it found stays, as long as it fits the view. */
  #belongs(row) {
    const persona = byId("persona").value;
    if (!VIEWS[this.view].shows(row, this.me) || (persona && row.persona.slug !== persona)) return false;
    return !this.query || this.shown.has(row.id);
  }

  setOpen(id) {
    this.openId = id;
    this.draw();
  }

  setLooking(id, people) {
    this.looking.set(id, people);
    this.draw();
  }

  /** Move the focus by so many rows, into the list if it was elsewhere. */
  move(by) {
    const links = [...this.list.querySelectorAll("a")];
    const at = links.indexOf(document.activeElement);
    const from = at >= 0 ? at : links.findIndex((link) => link.dataset.id === this.openId);
    const to = from < 0 ? 0 : Math.min(Math.max(from + by, 0), links.length - 1);
    links[to]?.focus();
  }

  focusOpen() {
    (this.list.querySelector(`a[data-id="${this.openId}"]`) ?? this.list.querySelector("a"))?.focus();
  }

  // --- Drawing -----------------------------------------------------------------------------------------------

  draw() {
    const rows = [...this.shown].map((id) => this.known.get(id)).sort(VIEWS[this.view].before);
    const focused = this.list.contains(document.activeElement) ? document.activeElement.dataset.id : null;
    this.list.replaceChildren(...rows.map((row) => make("li", {}, this.#link(row))));
    if (focused) this.list.querySelector(`a[data-id="${focused}"]`)?.focus({ preventScroll: true });
    byId("rows-more").hidden = !this.next;
    byId("rows-none").hidden = rows.length > 0;
    const why = this.query || byId("persona").value ? "found" : this.view;
    byId("rows-none-title").textContent = t(`none_${why}`);
    byId("rows-none-text").textContent = t(`none_${why}_more`);
  }

  #link(row) {
    const name = nameOf(row);
    const avatar = make("span", { className: "avatar", aria: { hidden: "true" } });
    drawVisitor(avatar, row);
    const others = (this.looking.get(row.id) ?? []).filter((person) => person.id !== this.me.id);
    const unread = row.unread > 0 && make("b", { className: "count" }, make("span", { aria: { hidden: "true" }, textContent: row.unread }), make("span", { className: "visually-hidden", textContent: t("unread", { count: row.unread }) }));
    const link = make(
      "a",
      { className: row.unread ? "talker is-unread" : "talker", href: this.addressOf(row.id), data: { id: row.id } },
      avatar,
      make("bdi", { className: "talker__name", textContent: name }),
      this.#when(row),
      make("bdi", { className: "talker__said", textContent: lastSaid(row, this.me) }),
      unread,
      make(
        "span",
        { className: "talker__foot" },
        make("span", { className: `state state--${row.state}`, textContent: stateOf(row, this.me) }),
        make("bdi", { textContent: row.persona.name }),
        others.length > 0 && make("span", { className: "talker__others", title: t(others.length === 1 ? "is_looking" : "are_looking", { names: namesOf(others) }) }, icon("eye"), namesOf(others)),
      ),
    );
    if (row.id === this.openId) link.setAttribute("aria-current", "true");
    return link;
  }

  #when(row) {
    const when = make("span", { className: "talker__when", data: { since: row.state === "requested" ? row.requested_at ?? "" : "" } });
    if (row.state === "requested" && row.requested_at) this.#age(when);
    else when.textContent = shortMoment(row.last_message_at ?? row.opened_at);
    return when;
  }

  #age(element) {
    const { since } = element.dataset;
    element.classList.add("is-waiting");
    element.classList.toggle("is-long", isLongWait(since));
    element.textContent = t("waiting_for", { time: elapsed(since) });
  }

  #tick() {
    for (const element of this.list.querySelectorAll("[data-since]:not([data-since=''])")) this.#age(element);
  }

  #viewButtons() {
    return byId("views").querySelectorAll("button");
  }

  #searchSoon() {
    clearTimeout(this.searchTimer);
    this.searchTimer = setTimeout(() => this.load(), TYPED_FOR_MS);
  }

  #clicked(event) {
    const link = event.target.closest("a[data-id]");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    this.onOpen(link.dataset.id);
  }
}

export const namesOf = (people) => people.map(({ name }) => name).join(", ");
