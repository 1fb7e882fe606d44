import { byId, drawAvatar, showText } from "../chat/dom.js";
import { Following } from "../chat/following.js";
import { newId } from "../chat/ids.js";
import { PassagePanel } from "../chat/passage.js";
import { make } from "../members/make.js";
import { Away, get, post } from "../members/server.js";
import { Context } from "./context.js";
import { announce, attempt, choose, reasonFor, surface, toast } from "./frame.js";
import { namesOf } from "./queue.js";
import { SaidList } from "./said.js";
import { label, t } from "./strings.js";
import { Thread } from "./thread.js";
import { drawVisitor, nameOf, stateOf } from "./words.js";
import { Writing } from "./writing.js";

const TYPING_FOR_MS = 6000;
const REREAD_AFTER_MS = 300;
const SEND_AGAIN_MS = 5000;

/** The open conversation: what was said, what can be done, and the box to answer in. */
export class Talk {
  /** `line`: the socket. `onRow(row)` gets a conversation's newest row, `onClose()` is called when it is left. */
  constructor({ me, memory, line, addressOf, recordOf, onRow, onOpen, onClose }) {
    Object.assign(this, { me, memory, line, onRow, onClose });
    this.thread = null;
    this.looking = [];
    this.panel = new PassagePanel(surface, { mayCover: true });
    const cite = (entry, n, opener) => this.panel.open({ answer: entry.text, citations: entry.citations, n, opener });
    this.list = new SaidList(byId("messages"), { me, onCite: cite, onAgain: (entry) => this.#sendAgain(entry), onDiscard: (entry) => this.#discard(entry) });
    this.following = new Following(surface);
    this.context = new Context({ me, addressOf, recordOf, onCite: ({ entry, citation }, opener) => cite(entry, citation.n, opener) });
    this.writing = new Writing({
      memory,
      onSend: (mode, text) => this.#say(mode, text),
      onTyping: () => this.line.tell("typing", { conversation_id: this.id }),
      findCanned: (word) => this.#findCanned(word),
    });
    byId("back").addEventListener("click", () => onClose());
    byId("earlier-messages").addEventListener("click", () => this.#readEarlier());
    byId("suggest").addEventListener("click", () => this.#suggest());
    for (const deed of ["takeover", "transfer", "release", "close"]) byId(`deed-${deed}`).addEventListener("click", () => this.do(deed));
    byId("context-body").addEventListener("click", (event) => {
      const past = event.target.closest("a.past");
      if (!past || event.ctrlKey || event.metaKey || event.shiftKey) return;
      event.preventDefault();
      onOpen(past.dataset.id);
    });
    document.addEventListener("visibilitychange", () => this.#seen());
    addEventListener("focus", () => this.#seen());
  }

  get id() {
    return this.thread?.id ?? this.wanted ?? null;
  }

  get isMine() {
    const { row } = this.thread ?? {};
    return row?.state === "human" && row.agent?.id === this.me.id;
  }

  // --- Coming and going --------------------------------------------------------------------------------------

  async open(id) {
    this.close();
    this.wanted = id;
    byId("talk-none").hidden = true;
    byId("talk-open").hidden = false;
    byId("talk-loading").hidden = false;
    byId("foot").hidden = true;
    showText(byId("talk-name").querySelector("bdi"), t("loading"));
    try {
      const detail = await get(`conversations/${id}/`);
      if (this.wanted !== id) return;
      this.thread = new Thread(detail);
    } catch (error) {
      if (!("status" in error) && !(error instanceof Away)) throw error;
      toast(error.status === 404 ? t("gone") : reasonFor(error));
      return void (this.wanted === id && this.onClose());
    }
    byId("talk-loading").hidden = true;
    byId("foot").hidden = false;
    this.hasEarlier = this.thread.row.has_earlier;
    for (const item of this.#outbox().filter((each) => each.conversation_id === id)) this.thread.pending.push(this.#entryOf(item));
    this.watch();
    this.draw();
    this.following.toBottom();
    this.#sendNext();
    byId("talk-name").focus({ preventScroll: true });
  }

  close() {
    if (this.thread) this.line.tell("unwatch");
    Object.assign(this, { thread: null, wanted: null, looking: [] });
    clearTimeout(this.typingTimer);
    this.list.clear();
    this.context.hide();
    this.panel.close();
    byId("talk-none").hidden = false;
    byId("talk-open").hidden = true;
    byId("typing").hidden = true;
  }

  /** Hear of all that happens here from now on, and of what was missed. */
  watch() {
    if (!this.thread) return;
    this.line.tell("watch", { conversation_id: this.id, after: this.thread.lastSeq });
    this.#seen();
  }

  connected() {
    this.watch();
    this.#readAgain();
    this.#sendNext();
  }

  disconnected() {
    byId("typing").hidden = true;
    this.draw();
  }

  // --- What the server tells ----------------------------------------------------------------------------------

  heedEvent({ conversation_id, event }) {
    if (conversation_id !== this.thread?.id) return;
    if (!this.thread.apply(event)) return this.watch();
    if (event.type === "message.created") this.#heard(event);
    if (event.type === "conversation.handoff") this.#readAgain();
    this.draw();
    this.following.grew();
  }

  #heard({ role, text }) {
    if (role !== "user") return;
    byId("typing").hidden = true;
    announce(`${nameOf(this.thread.row)}: ${text}`);
    this.#seen();
  }

  heedRow(row) {
    if (row.id !== this.thread?.id) return;
    const wasMine = this.isMine;
    Object.assign(this.thread.row, row);
    if (wasMine && row.state === "human" && !this.isMine && !this.isDoing) toast(t("taken_from_you", { agent: row.agent?.name }));
    this.#readAgain();
    this.draw();
  }

  heedTyping({ conversation_id, by }) {
    if (conversation_id !== this.thread?.id || by !== "user") return;
    clearTimeout(this.typingTimer);
    byId("typing").hidden = false;
    this.following.grew();
    this.typingTimer = setTimeout(() => (byId("typing").hidden = true), TYPING_FOR_MS);
  }

  heedLooking({ conversation_id, people }) {
    if (conversation_id !== this.id) return;
    this.looking = people.filter(({ id }) => id !== this.me.id);
    this.#drawOthers();
  }

  gone(id) {
    if (id !== this.id) return;
    toast(t("gone"));
    this.onClose();
  }

  /** Read it again, as for notes, which are in no event. Many reasons at once are one. */
  #readAgain() {
    clearTimeout(this.rereadTimer);
    this.rereadTimer = setTimeout(async () => {
      const { thread } = this;
      if (!thread) return;
      await attempt(async () => {
        const detail = await get(`conversations/${thread.id}/`);
        if (this.thread !== thread) return;
        thread.merge(detail);
        this.draw();
        this.following.grew();
      });
    }, REREAD_AFTER_MS);
  }

  /** The events are gone: read it anew, and hear what comes from there. */
  async refetch(id) {
    if (id === this.thread?.id) await this.open(id);
  }

  async #readEarlier() {
    const { thread } = this;
    await attempt(async () => {
      const page = await get(`conversations/${thread.id}/messages/?before=${thread.firstSeq}`);
      if (this.thread !== thread) return;
      const { scrollHeight } = byId("scroll");
      thread.prepend(page.results);
      this.hasEarlier = page.has_earlier;
      this.draw();
      byId("scroll").scrollTop += byId("scroll").scrollHeight - scrollHeight;
    });
  }

  #seen() {
    if (this.isMine && this.isSeen(this.id)) this.line.tell("seen", { conversation_id: this.id });
  }

  /** Whether the agent has this conversation before him. */
  isSeen(id) {
    return id === this.thread?.id && !document.hidden && document.hasFocus();
  }

  // --- Deeds --------------------------------------------------------------------------------------------------

  /** Which deeds make sense now. */
  #possible() {
    const { state } = this.thread.row;
    return {
      takeover: state !== "closed" && !this.isMine,
      transfer: this.isMine,
      release: this.isMine,
      close: this.isMine,
    };
  }

  async do(deed) {
    if (!this.thread || !this.#possible()[deed] || this.isDoing) return;
    const path = `conversations/${this.id}/${deed}/`;
    if (deed === "transfer") return this.#transfer(path);
    if (deed === "close" && !(await choose({ title: t("close_title"), text: t("close_text"), yes: t("close_yes") }))) return;
    const { row } = this.thread;
    const isHeld = deed === "takeover" && row.state === "human";
    if (isHeld && !(await choose({ title: t("held_title", { agent: row.agent?.name || t("someone") }), text: t("held_text"), yes: t("take_over") }))) return;
    // Nobody takes something from a colleague by accident: that is a transfer to oneself.
    if (await this.#deed(() => (isHeld ? post(`conversations/${this.id}/transfer/`, { to: this.me.id }) : post(path)))) {
      toast(t(`deed_done_${deed}`));
      if (deed === "takeover") this.writing.write("reply");
    }
  }

  async #transfer(path) {
    const { results } = await get("members/").catch(() => ({ results: [] }));
    const others = results.filter(({ id }) => id !== this.me.id);
    // An empty value means cancel, so the queue goes by another name.
    const list = [["queue", make("span", { textContent: t("transfer_queue") })], ...others.map(({ id, name }) => [id, avatarOf(name), make("bdi", { textContent: name })])];
    const to = await choose({ title: t("transfer_title"), text: t(others.length ? "transfer_text" : "transfer_none"), list });
    if (!to) return;
    const name = others.find(({ id }) => id === to)?.name;
    const isDone = await this.#deed(() => post(path, { to: to === "queue" ? null : to }));
    if (isDone) toast(name ? t("deed_done_transfer", { agent: name }) : t("deed_done_queue"));
  }

  /** Do something to the conversation; who was slower than another agent is told who it was. */
  async #deed(call) {
    const { thread } = this;
    this.isDoing = true;
    for (const button of byId("deeds").children) button.disabled = true;
    try {
      await call();
      return true;
    } catch (error) {
      if (!("status" in error) && !(error instanceof Away)) throw error;
      toast(reasonFor(error));
      return false;
    } finally {
      this.isDoing = false;
      for (const button of byId("deeds").children) button.disabled = false;
      if (this.thread === thread) await this.#readNow(thread);
    }
  }

  async #readNow(thread) {
    await attempt(async () => {
      thread.merge(await get(`conversations/${thread.id}/`));
      this.onRow(thread.row);
      if (this.thread === thread) this.draw();
      this.#seen();
    });
  }

  // --- Saying -------------------------------------------------------------------------------------------------

  #say(mode, text) {
    const item = { client_id: newId(), conversation_id: this.id, role: mode === "note" ? "note" : "human", text, created_at: new Date().toISOString() };
    this.memory.write("outbox", [...this.#outbox(), item]);
    this.thread.pending.push(this.#entryOf(item));
    this.draw();
    this.following.toBottom();
    this.#sendNext();
  }

  #outbox() {
    return this.memory.read("outbox", []);
  }

  #forget(clientId) {
    this.memory.write("outbox", this.#outbox().filter((item) => item.client_id !== clientId));
  }

  #entryOf({ client_id, role, text, created_at }) {
    return { kind: "said", key: client_id, clientId: client_id, role, text, author: this.me.name, citations: [], createdAt: created_at, state: "sending" };
  }

  /** Send the oldest that waits, whichever conversation it is for. The same `client_id` again changes nothing. */
  async #sendNext() {
    clearTimeout(this.sendTimer);
    const refused = new Set((this.thread?.pending ?? []).filter(({ state }) => state === "refused").map(({ clientId }) => clientId));
    const item = this.#outbox().find(({ client_id, is_refused }) => !refused.has(client_id) && !is_refused);
    if (!item || this.isSending) return;
    this.isSending = true;
    try {
      await post(`conversations/${item.conversation_id}/${item.role === "note" ? "note" : "reply"}/`, { client_id: item.client_id, text: item.text });
      this.#forget(item.client_id);
      if (item.conversation_id === this.thread?.id) {
        this.thread.taken(item.client_id);
        this.#readAgain();
      }
    } catch (error) {
      if (!("status" in error) && !(error instanceof Away)) throw error;
      if (error instanceof Away || error.status >= 500 || error.status === 429) return void (this.sendTimer = setTimeout(() => this.#sendNext(), SEND_AGAIN_MS));
      this.#refused(item, reasonFor(error));
    } finally {
      this.isSending = false;
    }
    this.draw();
    this.#sendNext();
  }

  #refused(item, why) {
    this.memory.write("outbox", this.#outbox().map((each) => (each.client_id === item.client_id ? { ...each, is_refused: true } : each)));
    const entry = this.thread?.pending.find(({ clientId }) => clientId === item.client_id);
    if (entry) Object.assign(entry, { state: "refused", error: why });
    announce(`${t("not_sent")} ${why}`);
  }

  #sendAgain(entry) {
    this.memory.write("outbox", this.#outbox().map((each) => (each.client_id === entry.clientId ? { ...each, is_refused: false } : each)));
    Object.assign(entry, { state: "sending", error: null });
    this.draw();
    this.#sendNext();
  }

  #discard(entry) {
    this.#forget(entry.clientId);
    this.thread.pending = this.thread.pending.filter((each) => each !== entry);
    this.draw();
    if (this.writing.isEmpty && entry.role === "human") this.writing.put(entry.text);
  }

  setCanned(replies) {
    this.canned = replies;
  }

  /** Those that begin with the word, for this persona; the visitor's language and what is for this persona first. */
  #findCanned(word) {
    const { persona, visitor } = this.thread.row;
    const language = (visitor.locale || this.thread.row.language || "").slice(0, 2);
    const sought = word.toLowerCase();
    const rank = (reply) =>
      (reply.shortcut.toLowerCase().startsWith(sought) ? 0 : 4) + (!reply.language ? 1 : reply.language === language ? 0 : 2) + (reply.persona ? 0 : 0.5);
    return (this.canned ?? [])
      .filter((reply) => !reply.persona || reply.persona === persona.slug)
      .filter((reply) => reply.shortcut.toLowerCase().includes(sought) || reply.text.toLowerCase().includes(sought))
      .sort((a, b) => rank(a) - rank(b) || a.shortcut.localeCompare(b.shortcut));
  }

  async #suggest() {
    const { thread } = this;
    const button = byId("suggest");
    button.disabled = true;
    toast(t("suggesting"));
    await attempt(async () => {
      const { text } = await post(`conversations/${thread.id}/suggestion/`);
      if (this.thread !== thread) return;
      toast(t(text ? "suggested" : "suggested_nothing"));
      if (text) this.writing.put(text);
    });
    button.disabled = false;
  }

  // --- Drawing ------------------------------------------------------------------------------------------------

  draw() {
    if (!this.thread) return;
    const { row } = this.thread;
    const name = nameOf(row);
    byId("talk-name").querySelector("bdi").textContent = name;
    drawVisitor(byId("talk-avatar"), row);
    byId("talk-persona").textContent = row.persona.name;
    byId("talk-state").textContent = stateOf(row, this.me);
    byId("talk-state").className = `state state--${row.state}`;
    byId("earlier-messages").hidden = !this.hasEarlier;
    for (const [deed, isPossible] of Object.entries(this.#possible())) byId(`deed-${deed}`).hidden = !isPossible;
    label(byId("deed-takeover"), t("take_over"));
    this.list.render(this.thread, this.line.isReady);
    this.writing.show(this.id, { hint: this.#hint() });
    this.context.show(this.thread);
    this.#drawOthers();
  }

  #hint() {
    const { row } = this.thread;
    if (this.isMine) return null;
    if (row.state === "closed") return t("closed_hint");
    return row.state === "human" ? t("held_by", { agent: row.agent?.name || t("someone") }) : t("take_over_first");
  }

  #drawOthers() {
    showText(byId("others"), this.looking.length && t(this.looking.length === 1 ? "is_looking" : "are_looking", { names: namesOf(this.looking) }));
  }
}

function avatarOf(name) {
  const avatar = make("span", { className: "avatar avatar--small", aria: { hidden: "true" } });
  drawAvatar(avatar, { name });
  return avatar;
}
