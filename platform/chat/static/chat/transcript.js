/**
 * The conversation as the page knows it: a list of entries, built from the server's events alone.
 *
 * Every event may arrive twice (a reconnect replays from the last `seq` seen) and entries are found by message
 * and turn id, so that applying one again changes nothing. An entry is one of
 *
 * - `user`: what the visitor said. `state`: "sending" | "refused" (with `error`) | "sent".
 * - `answer`: the bot's or a person's words (`author`). `state`: "running" | "done" | "failed" (with `error`).
 * - `status`: a line about the conversation itself.
 */
export class Transcript {
  constructor() {
    this.clear();
  }

  clear() {
    this.entries = [];
    /** Said by the visitor, not yet acknowledged; always shown last. */
    this.pending = [];
    this.lastSeq = 0;
    /** Who answers: "bot", "requested" (a person was asked for), "human" or "closed". */
    this.handoff = "bot";
    this.agent = null;
    this.handoffSeq = 0;
    /** What goes with the last change of hands: whether a form is offered, or satisfaction asked. */
    this.hands = {};
    this.changed = new Set();
  }

  get runningTurn() {
    return this.entries.findLast((entry) => entry.state === "running") ?? null;
  }

  /** What the visitor said last, if it is known to the server. */
  get lastSaid() {
    return this.entries.findLast((entry) => entry.kind === "user") ?? null;
  }

  get isEmpty() {
    return this.entries.length === 0 && this.pending.length === 0;
  }

  /** The entries that changed since this was last called. */
  takeChanged() {
    const { changed } = this;
    this.changed = new Set();
    return changed;
  }

  /**
   * Apply one event of the conversation. Returns false if it does not join on to what is here: then `lastSeq` says
   * from where to ask for the events again.
   */
  apply(event) {
    if (event.seq <= this.lastSeq) return true;
    if (this.#handlers[event.type]?.call(this, event) === false) return false;
    this.lastSeq = event.seq ?? this.lastSeq;
    return true;
  }

  /** Take in messages fetched over REST, in place of everything known, when the events are gone. */
  restore(messages) {
    const { pending } = this;
    this.clear();
    this.pending = pending;
    for (const message of messages) this.apply({ ...message, type: "message.created", message_id: message.id });
  }

  /** Show a message that is on its way. */
  say({ client_id, text, created_at }) {
    const entry = { kind: "user", key: client_id, clientId: client_id, text, createdAt: created_at, state: "sending" };
    this.pending.push(entry);
    this.#touch(entry);
  }

  /** The server holds the message `client_id`. Its answer is on the way unless it was known already. */
  accept({ client_id, message_id, turn_id }) {
    const waiting = this.pending.find((entry) => entry.clientId === client_id);
    const known = this.#byMessage(message_id);
    if (waiting) this.withdraw(waiting);
    if (known || !waiting) return;
    Object.assign(waiting, { messageId: message_id, state: "sent" });
    this.#append(waiting);
    if (turn_id && this.handoff !== "human" && !this.#byTurn(turn_id)) this.#append(newAnswer(turn_id));
  }

  /** Returns false if the message is none of those on their way. */
  refuse(clientId, error) {
    const entry = this.pending.find((other) => other.clientId === clientId);
    if (entry) this.#touch(Object.assign(entry, { state: "refused", error }));
    return Boolean(entry);
  }

  sendAgain(entry) {
    this.#touch(Object.assign(entry, { state: "sending", error: null }));
  }

  withdraw(entry) {
    this.pending = this.pending.filter((other) => other !== entry);
  }

  isRefused(clientId) {
    return this.pending.some((entry) => entry.clientId === clientId && entry.state === "refused");
  }

  /** A new answer in place of this one was asked for. */
  setRetrying(entry) {
    this.#touch(Object.assign(entry, { isRetrying: true }));
  }

  /** The visitor's message is to become another one. Until the server says so, both are known. */
  setEditing(entry, text) {
    this.#touch(Object.assign(entry, { before: entry.text, text }));
  }

  /** The new answers that were asked for will not come, and what was to be said anew stays as it was. */
  forgetRetries() {
    for (const entry of this.entries) {
      if (entry.isRetrying) this.#touch(Object.assign(entry, { isRetrying: false }));
      if (entry.before !== undefined) this.#touch(Object.assign(entry, { text: entry.before, before: undefined }));
    }
  }

  /** What is asked for or under way has to be seen in the light of the new connection. */
  connectionChanged() {
    this.forgetRetries();
    for (const entry of [...this.entries.slice(-1), ...this.pending]) this.#touch(entry);
  }

  rate(entry, rating) {
    this.#touch(Object.assign(entry, { rating }));
  }

  #handlers = {
    "message.created": this.#messageCreated,
    "turn.started": this.#turnStarted,
    "turn.sources": (event) => {
      const entry = this.#byTurn(event.turn_id);
      if (entry?.state === "running") this.#touch(Object.assign(entry, { citations: event.citations }));
    },
    "turn.delta": this.#delta,
    "turn.completed": (event) => {
      const entry = this.#byTurn(event.turn_id) ?? this.#byMessage(event.message_id) ?? this.#append(newAnswer(event.turn_id));
      this.#finish(entry, event);
    },
    "turn.failed": (event) => {
      const entry = this.#byTurn(event.turn_id) ?? this.#append(newAnswer(event.turn_id));
      const { code, detail, retryable } = event;
      this.#touch(Object.assign(entry, { text: event.text ?? "", html: null, state: "failed", error: { code, detail, retryable } }));
    },
    "conversation.handoff": (event) => {
      const { state, reason, until, seq } = event;
      Object.assign(this, { handoff: state, handoffSeq: seq });
      this.agent = state === "human" ? nameOf(event.agent) : null;
      this.hands = { form: Boolean(event.form), satisfaction: Boolean(event.ask_satisfaction), reason, until };
      this.#append({ kind: "status", key: `handoff-${seq}`, handoff: state, agent: nameOf(event.agent), reason, until });
    },
  };

  #messageCreated(event) {
    const entry = this.#byMessage(event.message_id) ?? this.#placeFor(event);
    const replaced = this.#byMessage(event.replaces);
    if (replaced && replaced !== entry && event.role !== "user") this.entries.splice(this.entries.indexOf(replaced), 1);
    // What is said otherwise leaves nothing of the answers to what was said first.
    if (event.role === "user" && replaced) this.#dropAnswersBehind(replaced);
    const common = { messageId: event.message_id, text: event.text, createdAt: event.created_at };
    if (entry.kind === "user") return void this.#touch(Object.assign(entry, common, { state: "sent", before: undefined }));
    if (entry.kind === "status") return void this.#touch(Object.assign(entry, common));
    if (event.turn_id) entry.turnId = event.turn_id;
    if (event.role === "human") entry.author = nameOf(event.author);
    if (event.feedback) entry.rating = event.feedback.rating ?? event.feedback;
    // What was kept of a failed answer is a stored message too; it stays a failed answer.
    if (entry.state === "failed") return void this.#touch(Object.assign(entry, common));
    this.#finish(entry, { ...event, citations: event.citations ?? entry.citations });
  }

  #dropAnswersBehind(said) {
    const at = this.entries.indexOf(said);
    this.entries = this.entries.filter((entry, index) => index <= at || entry.kind !== "answer");
  }

  /** How it stood when event `seq` was the newest, for those events that tell of it are gone. */
  stand({ state, agent }, seq) {
    if (this.handoffSeq > seq || this.handoff === state) return;
    Object.assign(this, { handoff: state, agent: nameOf(agent) });
  }

  /** Where a message that is not known by its id belongs: in place of another, or at the end. */
  #placeFor({ role, turn_id, text, message_id, replaces }) {
    const replaced = replaces ? this.#byMessage(replaces) : null;
    if (role === "note") return this.#append({ kind: "status", key: message_id });
    if (role !== "user") return this.#byTurn(turn_id) ?? replaced ?? this.#append(newAnswer(turn_id ?? null, message_id));
    if (replaced) return replaced;
    // Our own message may come round before its acknowledgement does.
    const waiting = this.pending.find((entry) => entry.state === "sending" && entry.text === text);
    if (waiting) this.withdraw(waiting);
    return this.#append(waiting ?? { kind: "user", key: message_id });
  }

  #turnStarted({ turn_id, replaces, seq }) {
    let entry = this.#byTurn(turn_id);
    if (!entry) {
      entry = newAnswer(turn_id);
      const replaced = replaces ? this.entries.findIndex((other) => other.turnId === replaces) : -1;
      if (replaced >= 0) this.entries[replaced] = entry;
      else this.entries.push(entry);
    }
    entry.startedSeq = seq;
    this.#touch(entry);
  }

  #delta({ turn_id, offset, text }) {
    const entry = this.#byTurn(turn_id) ?? this.#append(newAnswer(turn_id));
    if (entry.state !== "running") return true;
    if (appendDelta(entry, offset, text)) return void this.#touch(entry);
    return this.#startOver(entry);
  }

  /**
   * Pieces of a turn are missing or contradict each other: read it again from its start. After two tries the
   * text stays as it is until the turn ends and brings its own.
   */
  #startOver(entry) {
    entry.restarts += 1;
    if (entry.restarts > 2) return true;
    Object.assign(entry, { text: "", length: 0 });
    this.lastSeq = Math.min(this.lastSeq, entry.startedSeq ?? 0);
    return false;
  }

  #finish(entry, event) {
    this.#touch(
      Object.assign(entry, {
        messageId: event.message_id,
        text: event.text,
        html: event.html,
        citations: event.citations ?? [],
        claims: event.claims ?? entry.claims ?? [],
        suggestions: event.suggestions ?? entry.suggestions ?? [],
        finishReason: event.finish_reason ?? entry.finishReason ?? null,
        createdAt: event.created_at ?? entry.createdAt ?? null,
        state: "done",
        error: null,
      }),
    );
  }

  #append(entry) {
    this.entries.push(entry);
    this.#touch(entry);
    return entry;
  }

  #touch(entry) {
    this.changed.add(entry);
  }

  #byMessage(id) {
    return this.entries.findLast((entry) => id && entry.messageId === id);
  }

  #byTurn(id) {
    return this.entries.findLast((entry) => id && entry.turnId === id);
  }
}

/** Code points in a text, which is what the protocol's offsets count: an emoji is one, not two. */
export function codePoints(text) {
  let count = 0;
  for (const _ of text) count += 1;
  return count;
}

/**
 * Add a piece of an answer that begins `offset` code points into it. A piece seen before is skipped. Returns
 * false, and changes nothing, if pieces before it are missing or it contradicts the text already there.
 */
export function appendDelta(entry, offset, text) {
  if (offset > entry.length) return false;
  const points = [...text];
  const overlap = Math.min(entry.length - offset, points.length);
  if (overlap > 0) {
    const shown = [...entry.text].slice(offset, offset + overlap);
    if (shown.join("") !== points.slice(0, overlap).join("")) return false;
  }
  entry.text += points.slice(overlap).join("");
  entry.length += points.length - overlap;
  return true;
}

function newAnswer(turnId, key = turnId) {
  return { kind: "answer", key, turnId, state: "running", text: "", length: 0, html: null, citations: [], author: null, restarts: 0 };
}

/** A person's name, given as text or as an object. */
function nameOf(someone) {
  return (typeof someone === "object" ? someone?.name : someone) || null;
}
