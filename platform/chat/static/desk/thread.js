import { appendDelta } from "../chat/transcript.js";

/**
 * One conversation as the desk knows it: entries built from what was stored and from events, each of which may come
 * twice. An entry is one of
 *
 * - `said`: by `role` "user" | "bot" | "human" | "note". `state`: "running" | "done" | "failed" (with `error`).
 * - `status`: who answers from here on (`handoff`: a state of the conversation).
 *
 * What this agent says and the server has not taken yet is in `pending`, with `state` "sending" | "refused".
 */
export class Thread {
  constructor(detail) {
    this.id = detail.id;
    this.entries = [];
    this.pending = [];
    this.merge(detail);
    this.lastSeq = detail.seq;
  }

  /** Take in what was read from the server: messages and changes of hands not known yet, and newer traces. */
  merge(detail) {
    this.row = detail;
    for (const message of detail.messages) this.#store(message);
    this.pending = this.pending.filter((entry) => !entry.isTaken);
    for (const handoff of detail.handoffs) this.#status(handoff);
    this.#order();
  }

  /** The server has it: what is read next brings it, if its event did not. */
  taken(clientId) {
    const entry = this.pending.find((each) => each.clientId === clientId);
    if (entry) entry.isTaken = true;
  }

  /** Older messages, which come before all others. */
  prepend(messages) {
    for (const message of messages) this.#store(message);
    this.#order();
  }

  get firstSeq() {
    return this.entries.find((entry) => entry.id)?.seq ?? 0;
  }

  get isBotWriting() {
    return this.entries.some((entry) => entry.state === "running");
  }

  /** Apply an event of the conversation. Returns false if it does not join on to what is here. */
  apply(event) {
    if (event.seq <= this.lastSeq) return true;
    if (this.#handlers[event.type]?.call(this, event) === false) return false;
    this.lastSeq = event.seq;
    this.#order();
    return true;
  }

  #handlers = {
    "message.created": (event) => this.#store({ ...event, id: event.message_id }),
    "turn.started": ({ turn_id, seq, replaces }) => {
      const replaced = replaces && this.entries.findIndex((entry) => entry.turnId === replaces && entry.role === "bot");
      if (replaced >= 0) this.entries.splice(replaced, 1);
      this.#answer(turn_id, seq);
    },
    "turn.sources": ({ turn_id, seq, citations }) => void (this.#answer(turn_id, seq).citations = citations),
    "turn.delta": ({ turn_id, seq, offset, text }) => {
      const entry = this.#answer(turn_id, seq);
      return entry.state !== "running" || appendDelta(entry, offset, text);
    },
    "turn.completed": (event) => {
      const entry = this.#answer(event.turn_id, event.seq);
      this.#fill(entry, { ...event, id: event.message_id, role: "bot", seq: entry.seq });
    },
    "turn.failed": ({ turn_id, seq, text, code, detail }) => {
      Object.assign(this.#answer(turn_id, seq), { text: text ?? "", html: null, state: "failed", error: { code, detail } });
    },
    "conversation.handoff": (event) => this.#status(event),
  };

  #answer(turnId, seq) {
    const known = this.entries.find((entry) => entry.turnId === turnId && entry.role === "bot");
    if (known) return known;
    const entry = { kind: "said", role: "bot", key: `turn-${turnId}`, turnId, seq, author: "", text: "", length: 0, html: null, citations: [], state: "running" };
    this.entries.push(entry);
    return entry;
  }

  #store(message) {
    if (message.replaces) this.entries = this.entries.filter((entry) => entry.id !== message.replaces);
    const isOwn = this.pending.find((entry) => entry.role === message.role && entry.text === message.text && entry.state === "sending");
    const known =
      this.entries.find((entry) => entry.id === message.id) ??
      (message.role === "bot" && message.turn_id ? this.entries.find((entry) => entry.turnId === message.turn_id && entry.role === "bot") : null);
    if (isOwn && !known) this.pending = this.pending.filter((entry) => entry !== isOwn);
    if (known) return void this.#fill(known, { ...message, seq: known.seq });
    const entry = { kind: "said", key: message.id, citations: [] };
    this.entries.push(entry);
    this.#fill(entry, message);
  }

  #fill(entry, message) {
    const wasFailed = entry.state === "failed";
    Object.assign(entry, {
      id: message.id,
      seq: message.seq,
      role: message.role,
      author: message.author ?? entry.author ?? "",
      turnId: message.turn_id ?? entry.turnId ?? null,
      text: message.text,
      html: message.html,
      citations: message.citations ?? entry.citations,
      claims: message.claims ?? entry.claims ?? [],
      finishReason: message.finish_reason ?? entry.finishReason ?? null,
      feedback: message.feedback ?? entry.feedback ?? null,
      createdAt: message.created_at ?? entry.createdAt ?? null,
      trace: message.trace ?? entry.trace ?? null,
      // What was kept of a failed answer is a stored message too; it stays a failed answer.
      state: wasFailed ? "failed" : "done",
    });
  }

  #status({ seq, state, agent, created_at }) {
    if (this.entries.some((entry) => entry.key === `status-${seq}`)) return;
    this.entries.push({ kind: "status", key: `status-${seq}`, seq, handoff: state, agent: agent?.name ?? null, createdAt: created_at ?? null });
  }

  #order() {
    this.entries.sort((a, b) => a.seq - b.seq);
  }
}
