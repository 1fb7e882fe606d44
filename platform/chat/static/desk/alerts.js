import { byId, icon } from "../chat/dom.js";
import { announce } from "./frame.js";
import { t } from "./strings.js";
import { nameOf } from "./words.js";

// A conversation not heard of before waits since a moment ago, or it is no news.
const NEWS_MS = 60_000;
const CHIME = [[880, 0], [1174.7, 0.14]];

/** Tells an agent who looks elsewhere: a chime, a notification of the browser, a number in the title. */
export class Alerts {
  /** `isSeen(id)`: whether the agent has the conversation in front of him. `onOpen(id)`: a notification was pressed. */
  constructor({ me, memory, isSeen, onOpen }) {
    Object.assign(this, { me, memory, isSeen, onOpen });
    this.title = document.title;
    this.hasSound = memory.read("sound", true);
    this.wantsNotices = memory.read("notices", false);
    this.isMissing = !("Notification" in window);
    byId("alerts-open").addEventListener("click", () => this.#open());
    byId("sound").addEventListener("change", ({ target }) => this.#setSound(target.checked));
    byId("try-sound").addEventListener("click", () => this.#chime());
    byId("notices").addEventListener("click", () => this.#switchNotices());
    // Browsers let a page make sounds only once somebody has touched it.
    for (const kind of ["pointerdown", "keydown"]) addEventListener(kind, () => this.#wake(), { once: true });
    this.#draw();
  }

  setTitle(count) {
    document.title = count > 0 ? `(${count}) ${this.title}` : this.title;
  }

  /** Say what is news about a row, in the light of what it was. */
  heed(row, before) {
    const news = this.#news(row, before);
    if (!news) return;
    const text = t(news, { visitor: nameOf(row) });
    announce(text);
    if (this.isSeen(row.id)) return;
    if (this.hasSound) this.#chime();
    if (this.wantsNotices && !document.hasFocus()) this.#notify(row, text);
  }

  #news(row, before) {
    const isMine = row.state === "human" && row.agent?.id === this.me.id;
    if (row.state === "requested" && before?.state !== "requested") {
      const isFresh = before || Date.now() - Date.parse(row.requested_at) < NEWS_MS;
      return isFresh ? "alert_waiting" : null;
    }
    if (isMine && before && before.agent?.id !== this.me.id && !this.isSeen(row.id)) return "alert_transferred";
    return isMine && row.unread > (before?.unread ?? 0) ? "alert_message" : null;
  }

  #notify(row, text) {
    if (this.isMissing || Notification.permission !== "granted") return;
    let notice;
    try {
      notice = new Notification(text, { body: row.last?.text ?? "", tag: row.id, lang: document.documentElement.lang });
    } catch {
      return this.#doWithout(); // phones' browsers grant them, and leave them to service workers
    }
    notice.onclick = () => {
      window.focus();
      notice.close();
      this.onOpen(row.id);
    };
  }

  #doWithout() {
    this.isMissing = true;
    this.#draw();
  }

  // --- The window in which they are set -----------------------------------------------------------------------

  #open() {
    this.#draw();
    byId("alerts").showModal();
  }

  #setSound(isOn) {
    this.hasSound = isOn;
    this.memory.write("sound", isOn);
    if (isOn) this.#chime();
    this.#draw();
  }

  /** The browser is asked for its permission here, at a press, and nowhere else. */
  async #switchNotices() {
    const isOn = this.wantsNotices && Notification.permission === "granted";
    if (!isOn && Notification.permission !== "granted") await Notification.requestPermission();
    this.wantsNotices = !isOn && Notification.permission === "granted";
    this.memory.write("notices", this.wantsNotices);
    this.#draw();
  }

  #draw() {
    const permission = this.isMissing ? "missing" : Notification.permission;
    const button = byId("notices");
    button.disabled = permission === "denied" || permission === "missing";
    button.textContent = t(this.wantsNotices && permission === "granted" ? "notices_off" : "notices_on");
    byId("notices-text").textContent = t({ denied: "notices_denied", missing: "notices_missing" }[permission] ?? "notices_text");
    byId("sound").checked = this.hasSound;
    const opener = byId("alerts-open");
    opener.replaceChildren(icon(this.hasSound || this.wantsNotices ? "bell" : "bell-off"));
  }

  // --- The chime ----------------------------------------------------------------------------------------------

  #wake() {
    this.audio ??= "AudioContext" in window ? new AudioContext() : null;
  }

  #chime() {
    if (!this.audio) return;
    this.audio.resume();
    for (const [pitch, after] of CHIME) {
      const at = this.audio.currentTime + after;
      const tone = new OscillatorNode(this.audio, { type: "sine", frequency: pitch });
      const volume = new GainNode(this.audio, { gain: 0 });
      volume.gain.setValueAtTime(0.0001, at);
      volume.gain.exponentialRampToValueAtTime(0.12, at + 0.02);
      volume.gain.exponentialRampToValueAtTime(0.0001, at + 0.5);
      tone.connect(volume).connect(this.audio.destination);
      tone.start(at);
      tone.stop(at + 0.55);
    }
  }
}
