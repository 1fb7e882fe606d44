import { Announcer } from "./announcer.js";
import { Banner } from "./banner.js";
import { Composer } from "./composer.js";
import { Connection } from "./connection.js";
import { byId, drawAvatar, placeIcons, showText } from "./dom.js";
import { Following } from "./following.js";
import { Memory, Outbox } from "./memory.js";
import { MessagesView, statusText } from "./messages.js";
import { PassagePanel } from "./passage.js";
import { startLanguage, startTheme } from "./preferences.js";
import { fetchMessages, openSession } from "./session.js";
import { explain, t } from "./strings.js";
import { Transcript } from "./transcript.js";

// A replay whose end the server does not tell is over when nothing has come for this long.
const REPLAY_PAUSE_MS = 700;
const HIDDEN_RENDER_MS = 250;
const EXPIRY_MARGIN_MS = 10_000;

/** The public chat page: what the visitor does goes to the connection, what comes back goes to the transcript. */
class ChatPage {
  constructor() {
    const { publishableKey, sessionUrl } = document.body.dataset;
    this.sessionUrl = sessionUrl;
    this.persona = JSON.parse(byId("chat-persona").textContent);
    this.memory = new Memory(publishableKey);
    this.outbox = new Outbox(this.memory);
    this.session = this.memory.read("session");
    this.transcript = new Transcript();
    /** Live: what arrives now is news, to be announced and followed. Not so while history is read. */
    this.isLive = this.session === null;
    this.inFlight = null;
    this.isStopping = false;

    placeIcons(document);
    startTheme();
    startLanguage({ onChange: () => this.#redraw() });
    this.#buildParts();
    this.#drawPersona();
    byId("new-conversation").addEventListener("click", () => this.#newConversation());
    this.#startReaderDialog();
    this.#schedule();
    this.#restoreOutbox();
    if (this.session || this.transcript.pending.length) this.connection.start();
  }

  #buildParts() {
    this.announcer = new Announcer(byId("announcer"));
    this.panel = new PassagePanel();
    this.banner = new Banner({ onConnectNow: () => this.connection.connectNow() });
    this.following = new Following(byId("scroll"), byId("jump"));
    this.messages = new MessagesView(byId("messages"), this.persona, this.#messageActions());
    this.connection = new Connection({
      getSession: (renew) => this.#getSession(renew),
      lastSeq: () => this.transcript.lastSeq,
      onFrame: (frame) => this.#receive(frame),
      onState: (state) => this.#connectionChanged(state),
    });
    this.composer = new Composer({
      memory: this.memory,
      onSend: (text) => this.#say(text),
      onStop: () => this.#stop(),
      // A visitor who only looks costs no session; one who starts to write finds the line open.
      onInput: () => this.connection.start(),
    });
    byId("notice-close").addEventListener("click", () => this.#notice(null));
  }

  #messageActions() {
    return {
      cite: (entry, n, opener) => this.panel.open({ answer: entry.text, citations: entry.citations, n, opener }),
      retry: (entry) => this.#retry(entry),
      rate: (entry, rating) => this.#rate(entry, rating),
      copy: (entry) => this.#copy(entry),
      resend: (entry) => this.#resend(entry),
      edit: (entry) => this.#editUnsent(entry),
    };
  }

  // --- What the visitor does ---------------------------------------------------------------------------------

  #say(text) {
    const item = { client_id: newId(), text, created_at: new Date().toISOString() };
    this.outbox.keep({ ...item, conversation_id: this.session?.conversation_id ?? null });
    this.transcript.say(item);
    this.#notice(null);
    this.connection.start();
    this.#changed();
    this.following.toBottom();
    return true;
  }

  #stop() {
    const running = this.transcript.runningTurn;
    if (!running || !this.connection.send({ type: "turn.stop", turn_id: running.turnId })) return;
    this.isStopping = true;
    this.#changed();
  }

  #retry(entry) {
    if (!this.connection.send({ type: "turn.regenerate", turn_id: entry.turnId })) return;
    this.transcript.setRetrying(entry, true);
    this.#changed();
  }

  #rate(entry, rating) {
    if (!this.connection.send({ type: "message.feedback", message_id: entry.messageId, rating })) return;
    this.memory.write("ratings", { ...this.memory.read("ratings", {}), [entry.messageId]: rating });
    this.transcript.rate(entry, rating);
    this.#changed();
  }

  /** Put an answer on the clipboard. Resolves to whether the browser allowed it. */
  async #copy(entry) {
    try {
      await navigator.clipboard.writeText(entry.text);
      return true;
    } catch {
      this.#notice(t("copy_failed"));
      return false;
    }
  }

  #resend(entry) {
    this.transcript.sendAgain(entry);
    this.#changed();
  }

  #editUnsent(entry) {
    this.outbox.remove(entry.clientId);
    this.transcript.withdraw(entry);
    this.composer.edit(entry.text);
    this.#changed();
  }

  #newConversation() {
    this.connection.stop();
    for (const name of ["session", "outbox", "ratings"]) this.memory.forget(name);
    this.session = null;
    this.isLive = true;
    this.inFlight = null;
    this.panel.close();
    this.#notice(null);
    this.transcript.clear();
    this.composer.setOpen(true);
    this.#changed();
    this.composer.box.focus();
  }

  // --- The connection ----------------------------------------------------------------------------------------

  /** The session in hand, or a fresh one for the same conversation where the server will have it. */
  async #getSession(renew) {
    const held = this.session;
    if (held && !renew && Date.parse(held.expires_at) > Date.now() + EXPIRY_MARGIN_MS) return held;
    const session = await openSession(this.sessionUrl, held);
    // The visitor may have begun another conversation meanwhile; then nobody waits for this one.
    if (this.session === held) this.#adopt(session);
    return session;
  }

  #adopt(session) {
    if (this.session && this.session.conversation_id !== session.conversation_id) {
      const { pending } = this.transcript;
      this.transcript.clear();
      for (const entry of pending) this.transcript.say(this.#itemOf(entry));
    }
    this.session = session;
    this.memory.write("session", session);
  }

  #connectionChanged(state) {
    if (state.name === "waiting" || state.name === "refused") this.#caughtUpOr(null);
    if (state.name !== "ready") this.inFlight = null;
    this.isCaughtUp = false;
    this.isStopping = false;
    this.banner.show(state);
    this.composer.setOpen(state.name !== "refused");
    this.transcript.connectionChanged();
    this.#changed();
  }

  #receive(frame) {
    if (frame.type === "ready") this.#ready(frame);
    else if (frame.type === "message.accepted") this.#accepted(frame);
    else if (frame.type === "error") this.#failed(frame);
    else if (!this.transcript.apply(frame)) return void this.connection.resync();
    this.#awaitEndOfReplay();
    this.#changed();
  }
}
