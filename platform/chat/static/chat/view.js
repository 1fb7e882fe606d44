import { Announcer } from "./announcer.js";
import { Banner } from "./banner.js";
import { Composer } from "./composer.js";
import { Conversation } from "./conversation.js";
import { drawAvatar, showText } from "./dom.js";
import { Following } from "./following.js";
import { Hands } from "./hands.js";
import { MessagesView } from "./messages.js";
import { PassagePanel } from "./passage.js";

// While the tab is hidden the browser draws no frames; announcements go on.
const HIDDEN_DRAW_MS = 250;

/** A chat on a surface, the page's or a widget's: ties the conversation to the parts that show it. */
export class ChatView {
  /**
   * `persona` is who answers, as far as known; `base` the address that the persona's picture is relative to.
   * `onNews(entry, {isLive})` hears of each message of the other side, `onSay(text)` of each of the visitor's,
   * `onPersona(persona)` of who answers, `onHandoff(state, agent)` of a change of hands. For `mayCover` see
   * PassagePanel, for `onReload` Banner.
   */
  constructor(surface, { persona, base, memory, sessionUrl, headers, mayCover, onReload, onNews, onPersona, onHandoff, onSay }) {
    Object.assign(this, { surface, persona, base, onNews, onPersona, onHandoff, onSay });
    this.heard = new WeakSet();
    this.conversation = new Conversation({
      sessionUrl,
      memory,
      headers,
      listen: (...what) => surface.listen(...what),
      onChange: () => this.#schedule(),
      onHistoryRead: () => this.#draw(),
      onConnection: (state) => this.#connectionChanged(state),
      onPersona: (introduced) => this.introduce(introduced),
      onTyping: (frame) => this.hands.heedTyping(frame),
      onProblem: (error) => {
        this.hands.giveUp();
        this.notice(error.code === "history_gone" ? surface.t("history_gone") : surface.explain(error));
      },
    });
    surface.furnish(surface.root);
    this.#buildParts({ memory, mayCover, onReload });
    this.introduce(persona);
    this.conversation.resume();
    this.#draw();
  }

  #buildParts({ memory, mayCover, onReload }) {
    const { conversation, surface } = this;
    this.announcer = new Announcer(surface, this.persona);
    this.banner = new Banner(surface, { onConnectNow: () => conversation.connection.connectNow(), onReload });
    this.following = new Following(surface);
    this.panel = new PassagePanel(surface, { mayCover });
    this.hands = new Hands(surface, { conversation, persona: this.persona, say: (text) => this.announcer.say(text) });
    this.messages = new MessagesView(surface, this.persona, {
      cite: (entry, n, opener) => this.panel.open({ answer: entry.text, citations: entry.citations, n, opener }),
      retry: (entry) => conversation.retry(entry),
      rate: (entry, rating, comment) => conversation.rate(entry, rating, comment),
      copy: (entry) => this.#copy(entry.text),
      resend: (entry) => conversation.resend(entry),
      change: (entry) => this.composer.beginEditing(entry),
      edit: (entry) => {
        conversation.withdraw(entry);
        this.composer.edit(entry.text);
      },
    });
    this.composer = new Composer(surface, {
      memory,
      onSend: (text) => this.say(text),
      onEdit: (entry, text) => conversation.edit(entry, text),
      onStop: () => conversation.stopAnswer(),
      onInput: () => {
        // A visitor who only looks costs no session; one who begins to write finds the line open.
        conversation.connect();
        conversation.typing();
      },
    });
    surface.byId("new-conversation").addEventListener("click", () => this.#startAnew());
    surface.byId("notice-close").addEventListener("click", () => this.notice(null));
    surface.byId("about-reader-open")?.addEventListener("click", () => surface.byId("about-reader").showModal());
  }

  say(text) {
    this.notice(null);
    this.onSay?.(text);
    this.conversation.say(text);
    this.#draw();
    this.following.toBottom();
  }

  #startAnew() {
    this.panel.close();
    this.notice(null);
    this.composer.stopEditing();
    this.composer.setOpen(true);
    this.conversation.startAnew();
    this.composer.focus();
  }

  /** Put a text on the clipboard. Resolves to whether the browser allowed it. */
  async #copy(text) {
    try {
      await navigator.clipboard.writeText(text);
      return true;
    } catch {
      this.notice(this.surface.t("copy_failed"));
      return false;
    }
  }

  notice(text) {
    showText(this.surface.byId("notice-text"), text);
    this.surface.byId("notice").hidden = !text;
  }

  #connectionChanged(state) {
    this.banner.show(state);
    this.composer.setOpen(state.name !== "refused");
  }

  /** Show who answers. The server's word is newer than the page's. */
  introduce(persona) {
    const { surface } = this;
    Object.assign(this.persona, persona, { avatar_url: this.#ownPicture(persona.avatar_url) });
    for (const element of surface.root.querySelectorAll("[data-persona-name]")) element.textContent = this.persona.name;
    for (const element of surface.root.querySelectorAll("[data-avatar]")) drawAvatar(element, this.persona);
    showText(surface.byId("hero-greeting"), this.persona.greeting);
    this.greeting = { kind: "answer", key: "greeting", state: "done", text: this.persona.greeting, citations: [] };
    this.onPersona?.(this.persona);
    this.#schedule();
  }

  /** A picture of elsewhere would tell its server who chats: it gives way to a letter. */
  #ownPicture(url) {
    const picture = url && new URL(url, this.base);
    return picture && (picture.origin === new URL(this.base).origin || picture.protocol === "data:") ? picture.href : null;
  }

  // --- Drawing -----------------------------------------------------------------------------------------------

  /** Draw with the next frame, however many events come before it. */
  #schedule() {
    if (this.isScheduled) return;
    this.isScheduled = true;
    const draw = () => this.isScheduled && this.#draw();
    if (document.hidden) setTimeout(draw, HIDDEN_DRAW_MS);
    else requestAnimationFrame(draw);
  }

  #draw() {
    this.isScheduled = false;
    if (this.surface.signal?.aborted) return;
    const { conversation } = this;
    const { transcript } = conversation;
    const changed = transcript.takeChanged();
    for (const entry of changed) {
      entry.rating = conversation.ratingOf(entry);
      this.announcer.heed(entry, { isNews: conversation.isLive });
      this.#heedNews(entry);
    }
    this.#drawFrame(transcript, conversation.isLive);
    if (transcript.handoff !== this.handoff) {
      if (this.handoff && conversation.isLive) this.onHandoff?.(transcript.handoff, transcript.agent);
      this.handoff = transcript.handoff;
    }
    const editable = this.#editable(transcript);
    if (editable !== this.editable) for (const entry of [editable, this.editable]) if (entry) changed.add(entry);
    this.editable = editable;
    const entries = transcript.isEmpty ? [] : [this.greeting, ...transcript.entries, ...transcript.pending];
    this.messages.render(entries.filter(isShown), changed, { isConnected: conversation.isConnected, editable });
    const isAnswering = transcript.runningTurn !== null;
    this.composer.setAnswering(isAnswering, conversation.isConnected && !conversation.isStopping);
    if (changed.size > 0) this.following.grew();
  }

  #heedNews(entry) {
    if (entry.kind !== "answer" || entry.state !== "done" || this.heard.has(entry)) return;
    this.heard.add(entry);
    this.onNews?.(entry, { isLive: this.conversation.isLive });
  }

  /** What the visitor said last may be said otherwise, as long as nobody but the bot has answered. */
  #editable(transcript) {
    const { lastSaid } = transcript;
    const isIdle = transcript.pending.length === 0 && transcript.runningTurn === null && transcript.handoff === "bot";
    return isIdle && lastSaid?.state === "sent" && this.conversation.isConnected ? lastSaid : null;
  }

  /** What surrounds the messages: the welcome of an empty conversation, or word that an old one is coming. */
  #drawFrame(transcript, isLive) {
    const { surface } = this;
    const { isEmpty } = transcript;
    surface.byId("loading").hidden = isLive || !isEmpty;
    surface.byId("hero").hidden = !isEmpty || !isLive;
    surface.byId("new-conversation").hidden = isEmpty;
    surface.root.querySelector(".chat").classList.toggle("is-empty", isEmpty);
    this.#suggest(isLive ? this.#suggestions(transcript) : []);
    this.hands.draw(transcript);
  }

  /** What to choose from: first questions, or those that the last answer leads to. */
  #suggestions({ isEmpty, entries, pending }) {
    if (isEmpty) return this.persona.suggestions ?? [];
    const last = entries.at(-1);
    return last?.kind === "answer" && last.state === "done" && pending.length === 0 ? (last.suggestions ?? []) : [];
  }

  #suggest(texts) {
    const list = this.surface.byId("suggestions");
    list.hidden = texts.length === 0;
    if (this.suggested === texts.join("\n")) return;
    this.suggested = texts.join("\n");
    list.replaceChildren(...texts.map((text) => this.#suggestion(text)));
  }

  #suggestion(text) {
    const item = document.createElement("li");
    const button = Object.assign(document.createElement("button"), { type: "button", className: "suggestion", dir: "auto", textContent: text });
    button.addEventListener("click", () => {
      this.say(text);
      this.composer.focus();
    });
    item.append(button);
    return item;
  }

  /** Draw everything anew, as after a change of language. */
  redraw() {
    this.messages.reset();
    this.composer.refresh();
    this.banner.refresh();
    this.panel.refresh();
    this.#draw();
  }
}

/** A greeting may be empty; nothing is shown then. */
function isShown(entry) {
  return entry.key !== "greeting" || Boolean(entry.text);
}
