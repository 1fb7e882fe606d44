import { Banner } from "../chat/banner.js";
import { byId } from "../chat/dom.js";
import { Memory } from "../chat/memory.js";
import { get, settings } from "../members/server.js";
import { Alerts } from "./alerts.js";
import { attempt, startFrame, surface } from "./frame.js";
import { Keys } from "./keys.js";
import { Line } from "./live.js";
import { Queue } from "./queue.js";
import { Talk } from "./talk.js";

// Conversations with the bot go on without a word to the desk: the list is read again now and then.
const READ_AGAIN_MS = 15_000;
const VIEWS = ["waiting", "mine", "open", "closed"];

/** The agent desk: ties the list, the open conversation and the socket together. */
class Desk {
  constructor() {
    startFrame();
    const { me, tenant, base, record_url: record, talk } = settings();
    this.base = base;
    this.memory = new Memory(`desk.${tenant}.${me.id}`);
    const addressOf = (id) => `${base}c/${id}/`;
    this.line = new Line({ onFrame: (frame) => this.#heed(frame), onState: (state) => this.#connectionChanged(state) });
    this.banner = new Banner(surface, { onConnectNow: () => this.line.connectNow(), onReload: () => location.reload() });
    this.queue = new Queue({ me, addressOf, onOpen: (id) => this.#go(id), onView: (view) => this.memory.write("view", view) });
    this.talk = new Talk({
      me,
      memory: this.memory,
      line: this.line,
      addressOf,
      recordOf: (id) => record.replace("00000000-0000-0000-0000-000000000000", id),
      onRow: (row) => this.queue.heed([row]),
      onOpen: (id) => this.#go(id),
      onClose: () => this.#go(null),
    });
    this.alerts = new Alerts({ me, memory: this.memory, isSeen: (id) => this.talk.isSeen(id), onOpen: (id) => this.#goFromOutside(id) });
    this.#listen();
    this.line.start();
    this.queue.setView(this.memory.read("view", "waiting"));
    if (talk) this.#show(talk);
    attempt(async () => this.queue.setPersonas((await get("personas/")).results));
    attempt(async () => this.talk.setCanned((await get("replies/?limit=100")).results));
    setInterval(() => document.hidden || !this.line.isReady || this.queue.load(), READ_AGAIN_MS);
  }

  #listen() {
    addEventListener("popstate", ({ state }) => this.#show(state?.talk ?? null));
    history.replaceState({ talk: settings().talk ?? null }, "");
    const down = () => this.queue.move(1);
    const up = () => this.queue.move(-1);
    this.keys = new Keys({
      memory: this.memory,
      deeds: {
        j: down, ArrowDown: down, k: up, ArrowUp: up,
        t: () => this.talk.do("takeover"), f: () => this.talk.do("transfer"), b: () => this.talk.do("release"), e: () => this.talk.do("close"),
        r: () => this.talk.thread && this.talk.writing.write("reply"), n: () => this.talk.thread && this.talk.writing.write("note"),
        s: () => byId("search").focus(), i: () => this.talk.thread && this.talk.context.toggle(),
        ...Object.fromEntries(VIEWS.map((view, at) => [at + 1, () => this.queue.setView(view)])),
        Escape: (event) => this.#escape(event),
      },
    }); // prettier-ignore
  }

  #escape(event) {
    if (event.defaultPrevented || byId("passage").open) return;
    if (this.talk.context.isOver) return this.talk.context.close();
    if (event.target === byId("search") && byId("search").value) return;
    if (event.target.matches("textarea")) return byId("talk-name").focus();
    this.queue.focusOpen();
  }

  /** Open a conversation, or none, and let the browser's back button know. */
  #go(id) {
    if (id === this.talk.id && id !== null) return byId("talk-name").focus();
    history.pushState({ talk: id }, "", id ? `${this.base}c/${id}/` : this.base);
    this.#show(id);
  }

  /** As `#go`, for who pressed a notification: what he was about to choose here was meant for another conversation. */
  #goFromOutside(id) {
    for (const dialog of document.querySelectorAll("dialog[open]")) dialog.close();
    this.#go(id);
  }

  #show(id) {
    this.queue.setOpen(id);
    byId("main").classList.toggle("has-talk", id !== null);
    if (id) return void this.talk.open(id);
    this.talk.close();
    this.queue.focusOpen();
  }

  #connectionChanged(state) {
    this.banner.show(state);
    if (state.name !== "ready") this.talk.disconnected();
  }

  #heed(frame) {
    HEEDED[frame.type]?.(this, frame);
  }

  heedReady({ counts }) {
    this.#count(counts);
    this.queue.load();
    this.talk.connected();
  }

  heedRows({ rows, gone, counts }) {
    if (counts) this.#count(counts);
    for (const [row, before] of this.queue.heed(rows, gone)) {
      this.alerts.heed(row, before);
      this.talk.heedRow(row);
    }
    for (const id of gone ?? []) this.talk.gone(id);
  }

  heedLooking(frame) {
    this.queue.setLooking(frame.conversation_id, frame.people);
    this.talk.heedLooking(frame);
  }

  #count(counts) {
    this.queue.setCounts(counts);
    this.alerts.setTitle(this.queue.counts.waiting + this.queue.counts.unread);
  }
}

const HEEDED = {
  ready: (desk, frame) => desk.heedReady(frame),
  rows: (desk, frame) => desk.heedRows(frame),
  event: (desk, frame) => desk.talk.heedEvent(frame),
  refetch: (desk, { conversation_id }) => desk.talk.refetch(conversation_id),
  typing: (desk, frame) => desk.talk.heedTyping(frame),
  looking: (desk, frame) => desk.heedLooking(frame),
};

new Desk();
