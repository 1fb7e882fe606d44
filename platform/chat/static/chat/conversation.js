import { Connection } from "./connection.js";
import { newId } from "./ids.js";
import { Outbox } from "./memory.js";
import { fetchMessages, openSession, tell } from "./session.js";
import { Transcript } from "./transcript.js";

// A replay whose end the server does not tell is over when nothing has come for this long.
const REPLAY_PAUSE_MS = 700;
const EXPIRY_MARGIN_MS = 10_000;
const TYPING_EVERY_MS = 3000;

/**
 * One visitor's conversation, without its looks: it holds the session, keeps the transcript up to date, and sends
 * what is in the outbox, one message at a time and never twice.
 *
 * `onChange()` is called after every change, `onHistoryRead()` once what was said before is complete, just before
 * the conversation becomes live, `onConnection(state)` with the states of Connection,
 * `onPersona(persona)` when the server introduces who answers, and `onProblem({code, detail})` with errors
 * that belong to no message, `onTyping({by, name})` while somebody writes; `code` is "history_gone" if earlier messages are out of reach.
 */
export class Conversation {
  constructor({ sessionUrl, memory, headers = {}, listen, ...listeners }) {
    Object.assign(this, { sessionUrl, memory, headers, ...listeners });
    /** What sessions are opened with besides: who a site says that the visitor is. */
    this.who = {};
    this.outbox = new Outbox(memory);
    this.transcript = new Transcript();
    this.session = memory.read("session");
    /** Live: what arrives now is news. Not so while the history is read. */
    this.isLive = this.session === null;
    this.isStopping = false;
    this.connection = new Connection({
      getSession: (renew) => this.#getSession(renew),
      lastSeq: () => this.transcript.lastSeq,
      onFrame: (frame) => this.#receive(frame),
      onState: (state) => this.#connectionChanged(state),
      listen,
    });
  }

  get isConnected() {
    return this.connection.isReady;
  }

  /** Take up what was left open at the last visit; nothing is asked of the server if there is nothing. */
  resume() {
    const id = this.session?.conversation_id ?? null;
    const unsent = this.outbox.list().filter((item) => item.conversation_id === id);
    for (const item of unsent) this.transcript.say(item);
    if (this.session || unsent.length) this.connect();
  }

  connect() {
    this.connection.start();
  }

  /** Try again after the server would not let us in. */
  reconnect() {
    this.connection.stop();
    this.connection.start();
  }

  say(text) {
    const item = { client_id: newId(), text, created_at: new Date().toISOString() };
    this.transcript.say(item);
    this.#keep(item);
    this.connect();
    this.#changed();
  }

  /** Send a refused message again. */
  resend(entry) {
    this.transcript.sendAgain(entry);
    this.#changed();
  }

  /** Take back a message that was not sent. */
  withdraw(entry) {
    this.outbox.remove(entry.clientId);
    this.transcript.withdraw(entry);
    this.#changed();
  }

  stopAnswer() {
    const running = this.transcript.runningTurn;
    if (!running || !this.connection.send({ type: "turn.stop", turn_id: running.turnId })) return;
    this.isStopping = true;
    this.#changed();
  }

  retry(entry) {
    if (!this.connection.send({ type: "turn.regenerate", turn_id: entry.turnId })) return;
    this.transcript.setRetrying(entry);
    this.#changed();
  }

  /** Say the visitor's last message anew. Returns false if that cannot be sent now. */
  edit(entry, text) {
    if (!this.connection.send({ type: "message.edit", message_id: entry.messageId, client_id: newId(), text })) return false;
    this.transcript.setEditing(entry, text);
    this.#changed();
    return true;
  }

  /** Ask for a person, as soon as there is a connection. */
  askForPerson() {
    this.wantsPerson = !this.connection.send({ type: "handoff.request" });
    this.connect();
  }

  /** Leave word where nobody is there: `{name, contact, message}`. Resolves to whether it arrived. */
  leaveContact(word) {
    return this.#tellOf("contact", word);
  }

  /** Say how the conversation was, 1 to 5. Resolves to whether it arrived. */
  judge(rating, comment) {
    return this.#tellOf("satisfaction", { rating, comment });
  }

  async #tellOf(what, body) {
    try {
      await tell(this.sessionUrl, this.session, what, body);
      return true;
    } catch (error) {
      this.onProblem({ code: error.code ?? "unreachable", detail: error.detail });
      return false;
    }
  }

  /** Tell the person who answers that the visitor writes; a bot has no use for it. */
  typing() {
    if (this.transcript.handoff === "bot" || Date.now() - (this.typedAt ?? 0) < TYPING_EVERY_MS) return;
    if (this.connection.send({ type: "typing" })) this.typedAt = Date.now();
  }

  /** Rate an answer 1 or -1. The events do not bring ratings back, so they are remembered here. */
  rate(entry, rating, comment) {
    const said = { type: "message.feedback", message_id: entry.messageId, rating };
    if (!this.connection.send(comment ? { ...said, comment } : said)) return false;
    this.memory.write("ratings", { ...this.memory.read("ratings", {}), [entry.messageId]: rating });
    this.transcript.rate(entry, rating);
    this.#changed();
    return true;
  }

  ratingOf(entry) {
    if (!entry.messageId) return null;
    return entry.rating ?? this.memory.read("ratings", {})[entry.messageId] ?? null;
  }

  /** Leave this conversation for a new one, which opens with the first message. */
  startAnew() {
    this.connection.stop();
    for (const name of ["session", "outbox", "ratings"]) this.memory.forget(name);
    this.session = null;
    this.isLive = true;
    this.transcript.clear();
    this.#changed();
  }

  // --- Session -----------------------------------------------------------------------------------------------

  /** The session in hand, or a fresh one for the same conversation where the server will have it. */
  async #getSession(renew) {
    const held = this.session;
    if (held && !renew && Date.parse(held.expires_at) > Date.now() + EXPIRY_MARGIN_MS) return held;
    const session = await openSession({ url: this.sessionUrl, headers: this.headers, who: this.who }, held);
    // The visitor may have begun another conversation meanwhile; then nobody waits for this one.
    if (this.session === held) this.#adopt(session);
    return session;
  }

  #adopt(session) {
    const unsent = this.transcript.pending;
    if (this.session && this.session.conversation_id !== session.conversation_id) {
      this.transcript.clear();
      this.transcript.pending = unsent;
    }
    this.session = session;
    this.memory.write("session", session);
    for (const { clientId, text, createdAt } of unsent) this.#keep({ client_id: clientId, text, created_at: createdAt });
  }

  #keep(item) {
    this.outbox.keep({ ...item, conversation_id: this.session?.conversation_id ?? null });
  }

  // --- Connection --------------------------------------------------------------------------------------------

  #connectionChanged(state) {
    clearTimeout(this.replayTimer);
    this.isCaughtUp = false;
    this.inFlight = null;
    this.isStopping = false;
    this.transcript.connectionChanged();
    if (state.name === "refused") this.isLive = true;
    this.onConnection(state);
    this.#changed();
  }

  #receive(frame) {
    if (frame.type === "ready") this.#ready(frame);
    else if (frame.type === "message.accepted") this.#accepted(frame);
    else if (frame.type === "error") this.#failed(frame);
    else if (frame.type === "typing") return this.onTyping(frame);
    else if (!this.transcript.apply(frame)) return this.connection.resync();
    this.#lookForEndOfReplay();
    this.#changed();
  }

  #ready({ persona, seq, handoff }) {
    this.standing = handoff ?? null;
    this.readySeq = seq ?? 0;
    this.isCaughtUp = false;
    if (persona) this.onPersona(persona);
  }

  #accepted(frame) {
    this.outbox.remove(frame.client_id);
    this.transcript.accept(frame);
    if (this.inFlight === frame.client_id) this.inFlight = null;
  }

  #failed(frame) {
    if (frame.code === "gone") return void this.#refetch();
    this.transcript.forgetRetries();
    this.isStopping = false;
    if (frame.retry_after_s) frame = { ...frame, retryAt: Date.now() + frame.retry_after_s * 1000 };
    if (!this.transcript.refuse(frame.client_id, frame)) this.onProblem(frame);
    if (this.inFlight === frame.client_id) this.inFlight = null;
  }

  /** The events are gone: fetch the messages themselves and go on behind them; failing that, go on from now. */
  async #refetch() {
    const { session } = this;
    this.isRefetching = true;
    let after;
    try {
      if (!this.hasRefetched) after = await this.#restoreMessages(session);
    } catch {
      this.onProblem({ code: "history_gone" });
    }
    this.isRefetching = false;
    if (session !== this.session) return;
    this.hasRefetched = true;
    this.connection.hello(after);
    this.#lookForEndOfReplay();
    this.#changed();
  }

  /** Returns the number of the newest event among the messages. */
  async #restoreMessages(session) {
    const messages = await fetchMessages(this.sessionUrl, session);
    if (session !== this.session) return undefined;
    this.isLive = false;
    this.transcript.restore(messages);
    return this.transcript.lastSeq;
  }

  #lookForEndOfReplay() {
    if (!this.isConnected || this.isCaughtUp || this.isRefetching) return;
    clearTimeout(this.replayTimer);
    if (this.transcript.lastSeq >= this.readySeq) this.#caughtUp();
    else this.replayTimer = setTimeout(() => (this.#caughtUp(), this.#changed()), REPLAY_PAUSE_MS);
  }

  #caughtUp() {
    this.isCaughtUp = true;
    this.hasRefetched = false;
    if (this.standing) this.transcript.stand(this.standing, this.readySeq);
    if (!this.isLive) this.onHistoryRead();
    this.isLive = true;
    if (this.wantsPerson) this.askForPerson();
  }

  #changed() {
    this.#sendNext();
    this.onChange();
  }

  /** Send the oldest unsent message, once everything before it is answered. */
  #sendNext() {
    if (!this.isCaughtUp || this.inFlight || this.transcript.runningTurn) return;
    const id = this.session.conversation_id;
    const next = this.outbox
      .list()
      .find((item) => item.conversation_id === id && !this.transcript.isRefused(item.client_id));
    if (!next) return;
    this.inFlight = next.client_id;
    this.connection.send({ type: "message.send", client_id: next.client_id, text: next.text });
  }
}
