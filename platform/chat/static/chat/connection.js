import { SessionRefused } from "./session.js";

const SUBPROTOCOL = "troupe.v1";
const FIRST_DELAY_MS = 500;
const LONGEST_DELAY_MS = 30_000;
const LIMITED_DELAY_MS = 10_000;
const PING_EVERY_MS = 25_000;
const ANSWER_WITHIN_MS = 10_000;
const OPEN_WITHIN_MS = 15_000;
// Without a network only a server on this very machine can answer, and that is quick.
const ANSWER_OFFLINE_WITHIN_MS = 2000;
// Renewed sessions in a row that do not last.
const RENEWALS = 2;
// A connection that lasted this long was a good one: the next loss begins a new count.
const STEADY_AFTER_MS = 5000;

export const Close = { TOKEN: 4401, ORIGIN: 4403, LIMIT: 4429, DRAIN: 1012, STALE: 4000 };

/**
 * A socket that comes back. It opens a session where it has none, says hello from the last event seen, and after
 * a loss tries again: at once when the server drains, later and later (with jitter, so that a thousand pages do
 * not return together) when it is gone.
 *
 * `onState` gets one of
 *   {name: "idle" | "connecting" | "ready"}
 *   {name: "waiting", reason: "lost" | "offline" | "limited", retryAt}   retryAt: ms since the epoch
 *   {name: "refused", reason: "session" | "gone" | "origin"}            for good
 */
export class Connection {
  /**
   * `getSession(renew)` resolves to a session; `lastSeq()` is the last event seen; `onFrame` gets every frame;
   * `listen(target, type, heed)` listens for as long as the chat is there.
   */
  constructor({ getSession, lastSeq, onFrame, onState, listen = (target, ...heeding) => target.addEventListener(...heeding) }) {
    Object.assign(this, { getSession, lastSeq, onFrame, onState });
    this.socket = null;
    this.state = { name: "idle" };
    this.losses = 0;
    this.renewals = 0;
    listen(window, "online", () => this.connectNow());
    listen(window, "offline", () => this.#probe());
    listen(window, "pageshow", (event) => event.persisted && this.connectNow());
    listen(document, "visibilitychange", () => document.hidden || this.#awake());
  }

  get isReady() {
    return this.state.name === "ready";
  }

  /** Connect for the first time. Does nothing if that was done already. */
  start() {
    if (this.state.name === "idle") this.#connect();
  }

  /** Do not wait any longer for the next try. */
  connectNow() {
    if (this.state.name === "waiting") this.#connect();
  }

  /** Leave, as if never connected. */
  stop() {
    this.#letGo();
    this.#become({ name: "idle" });
  }

  /** Ask again for everything behind `lastSeq()`. A new socket makes sure that nothing older still arrives. */
  resync() {
    this.#letGo();
    this.#connect();
  }

  /** Send a frame. Returns false if there is no connection to send it on. */
  send(frame) {
    if (!this.isReady) return false;
    this.socket.send(JSON.stringify(frame));
    return true;
  }

  hello(after) {
    this.socket?.send(JSON.stringify(after === undefined ? { type: "hello" } : { type: "hello", after }));
  }

  async #connect({ renew = false } = {}) {
    clearTimeout(this.retryTimer);
    this.#become({ name: "connecting" });
    const attempt = (this.attempt = Symbol("attempt"));
    let session;
    try {
      session = await this.getSession(renew);
    } catch (error) {
      if (attempt === this.attempt) this.#sessionFailed(error);
      return;
    }
    if (attempt === this.attempt) this.#open(session);
  }

  #sessionFailed(error) {
    if (!(error instanceof SessionRefused)) return this.#wait("lost", this.#backOff());
    if (error.retryAfterS !== null) {
      return this.#wait(error.status === 429 ? "limited" : "lost", Math.max(error.retryAfterS * 1000, this.#backOff()));
    }
    const reason = { 403: "origin", 404: "gone" }[error.status] ?? "session";
    this.#become({ name: "refused", reason });
  }

  #open(session) {
    const url = new URL(session.websocket_url, location.href);
    url.protocol = url.protocol.replace("http", "ws");
    const socket = (this.socket = new WebSocket(url, [SUBPROTOCOL, `token.${session.token}`]));
    this.#expectSomethingWithin(OPEN_WITHIN_MS);
    const whileCurrent = (handle) => (event) => socket === this.socket && handle(event);
    socket.onopen = whileCurrent(() => this.hello(this.lastSeq()));
    socket.onmessage = whileCurrent(({ data }) => this.#receive(JSON.parse(data)));
    socket.onclose = whileCurrent(({ code }) => this.#closed(code));
  }

  #receive(frame) {
    if (frame.type === "ready" && !this.isReady) {
      this.steadyTimer = setTimeout(() => (this.losses = this.renewals = 0), STEADY_AFTER_MS);
      this.#become({ name: "ready" });
    }
    if (this.isReady) this.#expectSilence();
    if (frame.type !== "pong") this.onFrame(frame);
  }

  #closed(code) {
    this.#letGo();
    if (code === Close.TOKEN) {
      this.renewals += 1;
      if (this.renewals > RENEWALS) return this.#become({ name: "refused", reason: "session" });
      return void this.#connect({ renew: true });
    }
    if (code === Close.ORIGIN) return this.#become({ name: "refused", reason: "origin" });
    if (code === Close.LIMIT) return this.#wait("limited", LIMITED_DELAY_MS * 2 ** this.losses++);
    if (code === Close.DRAIN && this.losses++ === 0) return void this.#connect();
    return this.#wait("lost", this.#backOff());
  }

  /** The visitor is back at the page: what was lost in the background is not worth a wait. */
  #awake() {
    this.connectNow();
    this.#probe();
  }

  /** Wait and connect again. Offline too: the server may be on this machine. */
  #wait(reason, delayMs) {
    clearTimeout(this.retryTimer);
    this.retryTimer = setTimeout(() => this.#connect(), delayMs);
    this.#become({ name: "waiting", reason: navigator.onLine ? reason : "offline", retryAt: Date.now() + delayMs });
  }

  #backOff() {
    const longest = Math.min(LONGEST_DELAY_MS, FIRST_DELAY_MS * 2 ** this.losses++);
    return longest * (0.5 + Math.random() / 2);
  }

  /** Forget the socket and whatever was under way; nothing of it is listened to any more. */
  #letGo() {
    this.attempt = null;
    clearTimeout(this.retryTimer);
    clearTimeout(this.silenceTimer);
    clearTimeout(this.steadyTimer);
    const { socket } = this;
    this.socket = null;
    socket?.close(Close.STALE);
  }

  #expectSilence() {
    clearTimeout(this.silenceTimer);
    this.silenceTimer = setTimeout(() => this.#probe(), PING_EVERY_MS);
  }

  /** A quiet line may be a dead one, as after a change of network: ask, and believe it gone without an answer. */
  #probe() {
    if (!this.send({ type: "ping" })) return;
    this.#expectSomethingWithin(navigator.onLine ? ANSWER_WITHIN_MS : ANSWER_OFFLINE_WITHIN_MS);
  }

  #expectSomethingWithin(ms) {
    clearTimeout(this.silenceTimer);
    this.silenceTimer = setTimeout(() => this.#closed(Close.STALE), ms);
  }

  #become(state) {
    this.state = state;
    this.onState(state);
  }
}
