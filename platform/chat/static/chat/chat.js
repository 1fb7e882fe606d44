import { Announcer } from "./announcer.js";
import { Banner } from "./banner.js";
import { Composer } from "./composer.js";
import { Conversation } from "./conversation.js";
import { byId, drawAvatar, placeIcons, showText } from "./dom.js";
import { Following } from "./following.js";
import { Memory } from "./memory.js";
import { MessagesView } from "./messages.js";
import { PassagePanel } from "./passage.js";
import { startLanguage, startTheme } from "./preferences.js";
import { explain, t } from "./strings.js";

// While the tab is hidden the browser draws no frames; announcements go on.
const HIDDEN_DRAW_MS = 250;

/** The public chat page: ties the conversation to the parts that show it. */
class ChatPage {
  constructor() {
    const { publishableKey, sessionUrl } = document.body.dataset;
    const memory = new Memory(publishableKey);
    this.persona = JSON.parse(byId("chat-persona").textContent);
    this.conversation = new Conversation({
      sessionUrl,
      memory,
      onChange: () => this.#schedule(),
      onHistoryRead: () => this.#draw(),
      onConnection: (state) => this.#connectionChanged(state),
      onPersona: (persona) => this.#introduce(persona),
      onProblem: (error) => this.#notice(error.code === "history_gone" ? t("history_gone") : explain(error)),
    });
    placeIcons(document);
    startTheme();
    startLanguage({ onChange: () => this.#redraw() });
    this.#buildParts(memory);
    this.#introduce(this.persona);
    this.conversation.resume();
    this.#draw();
    if (matchMedia("(hover: hover)").matches) this.composer.focus();
  }

  #buildParts(memory) {
    const { conversation } = this;
    this.announcer = new Announcer(byId("announcer"), this.persona);
    this.banner = new Banner({ onConnectNow: () => conversation.connection.connectNow() });
    this.following = new Following(byId("scroll"), byId("jump"));
    this.panel = new PassagePanel();
    this.messages = new MessagesView(byId("messages"), this.persona, {
      cite: (entry, n, opener) => this.panel.open({ answer: entry.text, citations: entry.citations, n, opener }),
      retry: (entry) => conversation.retry(entry),
      rate: (entry, rating) => conversation.rate(entry, rating),
      copy: (entry) => this.#copy(entry.text),
      resend: (entry) => conversation.resend(entry),
      edit: (entry) => {
        conversation.withdraw(entry);
        this.composer.edit(entry.text);
      },
    });
    this.composer = new Composer({
      memory,
      onSend: (text) => this.#say(text),
      onStop: () => conversation.stopAnswer(),
      // A visitor who only looks costs no session; one who begins to write finds the line open.
      onInput: () => conversation.connect(),
    });
    byId("new-conversation").addEventListener("click", () => this.#startAnew());
    byId("notice-close").addEventListener("click", () => this.#notice(null));
    byId("about-reader-open")?.addEventListener("click", () => byId("about-reader").showModal());
  }

  #say(text) {
    this.#notice(null);
    this.conversation.say(text);
    this.#draw();
    this.following.toBottom();
  }

  #startAnew() {
    this.panel.close();
    this.#notice(null);
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
      this.#notice(t("copy_failed"));
      return false;
    }
  }

  #notice(text) {
    showText(byId("notice-text"), text);
    byId("notice").hidden = !text;
  }

  #connectionChanged(state) {
    this.banner.show(state);
    this.composer.setOpen(state.name !== "refused");
  }

  /** Show who answers. The server's word is newer than the page's. */
  #introduce(persona) {
    Object.assign(this.persona, persona);
    document.title = this.persona.name;
    for (const element of document.querySelectorAll("[data-persona-name]")) element.textContent = this.persona.name;
    for (const element of document.querySelectorAll("[data-avatar]")) drawAvatar(element, this.persona);
    showText(byId("hero-greeting"), this.persona.greeting);
    byId("suggestions").replaceChildren(...(this.persona.suggestions ?? []).map((text) => this.#suggestion(text)));
    this.greeting = { kind: "answer", key: "greeting", state: "done", text: this.persona.greeting, citations: [] };
    this.#schedule();
  }

  #suggestion(text) {
    const item = document.createElement("li");
    const button = Object.assign(document.createElement("button"), { type: "button", className: "suggestion", dir: "auto", textContent: text });
    button.addEventListener("click", () => {
      this.#say(text);
      this.composer.focus();
    });
    item.append(button);
    return item;
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
    const { conversation } = this;
    const { transcript } = conversation;
    const changed = transcript.takeChanged();
    for (const entry of changed) {
      entry.rating = conversation.ratingOf(entry);
      this.announcer.heed(entry, { isNews: conversation.isLive });
    }
    this.#drawFrame(transcript.isEmpty, conversation.isLive);
    const entries = transcript.isEmpty ? [] : [this.greeting, ...transcript.entries, ...transcript.pending];
    this.messages.render(entries.filter(isShown), changed, { isConnected: conversation.isConnected });
    const isAnswering = transcript.runningTurn !== null;
    this.composer.setAnswering(isAnswering, conversation.isConnected && !conversation.isStopping);
    if (changed.size > 0) this.following.grew();
  }

  /** What surrounds the messages: the welcome of an empty conversation, or word that an old one is coming. */
  #drawFrame(isEmpty, isLive) {
    byId("loading").hidden = isLive || !isEmpty;
    byId("hero").hidden = !isEmpty || !isLive;
    byId("suggestions").hidden = !isEmpty || !isLive || !this.persona.suggestions?.length;
    byId("new-conversation").hidden = isEmpty;
    document.body.classList.toggle("is-empty", isEmpty);
  }

  /** Draw everything anew, as after a change of language. */
  #redraw() {
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

new ChatPage();
