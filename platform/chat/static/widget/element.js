import { parsed } from "../chat/answer.js";
import { showText } from "../chat/dom.js";
import { Memory } from "../chat/memory.js";
import { languageFor, pickLanguage } from "../chat/strings.js";
import { Surface } from "../chat/surface.js";
import { ChatView } from "../chat/view.js";
import { palette } from "./palette.js";

const FILES = new URL(".", import.meta.url);
const FOCUSABLE = "a[href], button:not(:disabled), input, textarea, [tabindex='0']";
const PHONE = "(max-width: 30rem)";
// What a widget remembers while its page is open, though the page takes it away and puts it back.
const memories = new Map();

/** The stylesheet and the markup, fetched once for all widgets of a page. */
const furniture = Promise.all([sheet(), text("panel.html"), text("icons.svg")]);

/**
 * <troupe-chat key="pk_…">: a chat with one persona in a corner of somebody else's page.
 *
 * Attributes win over what the persona's owner set: `theme` (auto, light, dark), `accent` (#rrggbb), `radius` (px), `font`,
 * `position` (right, left), `offset-x`, `offset-y` (px), `greeting`, `language`; besides there are `consent` ("required":
 * nothing is kept until it is "granted"), `user-id`, `user-signature` and `user-name`.
 */
class TroupeChat extends HTMLElement {
  static observedAttributes = [
    "theme", "accent", "radius", "font", "position", "offset-x", "offset-y", "greeting", "language", "consent", "user-id", "user-signature",
  ];

  async connectedCallback() {
    const { signal } = (this.life = new AbortController());
    this.root = this.shadowRoot ?? this.attachShadow({ mode: "open" });
    const [card, [styles, panel, icons]] = await Promise.all([this.#card(signal), furniture]).catch((problem) => [this.#stayAway(problem, signal), []]);
    if (signal.aborted || !card) return;
    this.card = card;
    this.root.adoptedStyleSheets = [styles];
    this.root.replaceChildren(...parsed(panel).body.children, document.importNode(parsed(icons, "image/svg+xml").documentElement, true));
    this.root.lastElementChild.setAttribute("class", "icons");
    // Parts have ids too, and an icon must not be taken for one.
    for (const symbol of this.root.querySelectorAll("symbol")) symbol.id = `icon-${symbol.id}`;
    this.surface = new Surface(this.root, { language: () => this.#language(), icons: "#icon-", signal });
    this.box = this.root.querySelector(".widget");
    this.#begin(signal);
    this.#tell("ready");
  }

  disconnectedCallback() {
    this.life.abort();
    this.view?.conversation.connection.stop();
    this.view = this.box = null;
  }

  attributeChangedCallback(name) {
    if (!this.box) return;
    if (name === "consent") this.#heedConsent();
    else if (name.startsWith("user-")) this.identify(this.#userOfAttributes());
    else if (name === "language") this.#speak();
    else this.#dress();
  }

  get key() {
    return this.getAttribute("key") ?? "";
  }

  get isOpen() {
    return Boolean(this.box) && !this.#part("panel").hidden;
  }

  open() {
    this.isWanted = true;
    if (!this.box || this.isOpen) return;
    this.opener = this.root.activeElement ?? document.activeElement;
    this.#show(true);
    this.view.composer.focus();
    this.view.following.toBottom();
    this.#tell("open");
  }

  close() {
    this.isWanted = false;
    if (!this.isOpen) return;
    const hadFocus = this.root.activeElement !== null;
    this.#show(false);
    const opener = this.opener?.isConnected && this.opener !== document.body ? this.opener : this.#part("launcher");
    if (hadFocus) (this.#part("panel").contains(opener) ? this.#part("launcher") : opener).focus();
    this.#tell("close");
  }

  /** Say who the visitor is: `{id, signature, name}`; null for nobody known. A chat of somebody else is left. */
  identify(user) {
    this.user = user?.id ? { id: String(user.id), signature: user.signature, ...(user.name ? { name: user.name } : {}) } : null;
    if (!this.view) return;
    const { conversation } = this.view;
    conversation.who = this.user ? { end_user: this.user } : {};
    const id = this.user?.id ?? null;
    if (this.memory.read("who") === id) return;
    const isAnothers = conversation.session !== null;
    if (isAnothers) conversation.startAnew();
    this.memory.write("who", id);
  }

  // --- Beginning -----------------------------------------------------------------------------------------------

  async #card(signal) {
    // The admin's preview brings the draft's along.
    if (this.draft) return this.draft.card;
    const response = await fetch(this.#address("widget/"), { signal });
    if (!response.ok) throw new Error((await response.json().catch(() => ({}))).detail ?? `status ${response.status}`);
    return response.json();
  }

  /** The page must not suffer from a chat that cannot be had. */
  #stayAway(problem, signal) {
    if (!signal.aborted) console.warn(`troupe-chat: ${problem.message}`);
    return null;
  }

  #address(path) {
    return new URL(`/api/v1/public/${this.key}/${path}`, this.getAttribute("host") ?? FILES).href;
  }

  #begin(signal) {
    this.#remember();
    this.unread = 0;
    this.#part("panel-close").addEventListener("click", () => this.close());
    this.#part("launcher").addEventListener("click", () => (this.isOpen ? this.close() : this.open()));
    this.#part("hail-open").addEventListener("click", () => this.open());
    this.#part("hail-close").addEventListener("click", () => this.#hail(false));
    this.view = new ChatView(this.surface, {
      persona: { ...this.card.persona },
      base: this.#address(""),
      memory: this.memory,
      sessionUrl: this.draft?.sessionUrl ?? this.#address("sessions/"),
      headers: this.draft?.headers,
      mayCover: false,
      onReload: () => this.view.conversation.reconnect(),
      onNews: (entry, { isLive }) => this.#heedNews(entry, isLive),
      onHandoff: (state, agent) => this.#tell("handoff", { state, agent }),
      onSay: (said) => this.#said(said),
    });
    if (this.card.reader_active) this.#part("ai-notice").dataset.i18n = "reader_notice";
    this.root.addEventListener("keydown", (event) => this.#keyDown(event));
    // Shortcuts of the page are not meant for what is typed here.
    for (const type of ["keydown", "keypress", "keyup"]) this.root.addEventListener(type, (event) => event.stopPropagation());
    this.phone = matchMedia(PHONE);
    this.surface.listen(this.phone, "change", () => this.#dress());
    this.identify(this.user ?? this.#userOfAttributes());
    this.#speak();
    this.#dress();
    // Above whatever the page stacks up, and untouched by what it does to its body.
    this.box.showPopover();
    this.#hail(Boolean(this.#setting("greeting")) && !this.memory.read("session"));
    if (this.isWanted) this.open();
    else if (this.memory.read("open") && !this.phone.matches) this.#show(true);
  }

  #userOfAttributes() {
    const [id, signature, name] = ["user-id", "user-signature", "user-name"].map((attribute) => this.getAttribute(attribute));
    return id ? { id, signature, name } : null;
  }

  // --- What is kept --------------------------------------------------------------------------------------------

  /** Nothing is stored before the visitor's first message, and where consent is required nothing before that. */
  #remember() {
    const mayRead = this.getAttribute("consent") !== "required";
    if (!memories.has(this.key)) memories.set(this.key, new Memory(this.key, { mayRead, mayWrite: false }));
    this.memory = memories.get(this.key);
    this.#heedConsent();
  }

  #heedConsent() {
    const isGranted = this.getAttribute("consent") !== "required";
    this.memory.mayRead = isGranted;
    if (isGranted && (this.memory.read("session") || this.hasSaid)) this.memory.keep();
    if (!isGranted && this.memory.mayWrite) this.memory.leave();
  }

  #said(text) {
    this.hasSaid = true;
    this.#heedConsent();
    this.#tell("message", { role: "user", text });
  }

  // --- Looks ---------------------------------------------------------------------------------------------------

  #part(id) {
    return this.root.getElementById(id);
  }

  /** What the page says, else what the persona's owner set. */
  #setting(name) {
    return this.getAttribute(name.replace("_", "-")) ?? this.card.widget[name];
  }

  #language() {
    const asked = [this.getAttribute("language"), this.closest("[lang]")?.lang].map(languageFor);
    return pickLanguage([...asked, ...navigator.languages]);
  }

  #speak() {
    this.box.lang = this.surface.language;
    this.surface.translate();
    this.view.redraw();
    this.#nameLauncher();
  }

  #dress() {
    const { style } = this.box;
    const set = (name, value) => (value ? style.setProperty(name, value) : style.removeProperty(name));
    for (const [name, colour] of Object.entries(palette(this.#setting("accent")))) set(name, colour);
    const font = this.#setting("font");
    set("--fonts", font === "inherit" ? getComputedStyle(document.body).fontFamily : font);
    for (const name of ["radius", "offset_x", "offset_y"]) set(`--${name.replace("_", "-")}`, pixels(this.#setting(name)));
    this.box.dataset.theme = this.#setting("theme");
    this.box.dataset.position = this.#setting("position");
    this.#part("panel").setAttribute("aria-modal", String(this.isOpen && this.phone.matches));
    showText(this.#part("hail-open"), this.#setting("greeting"));
  }

  #show(isOpen) {
    this.#part("panel").hidden = !isOpen;
    this.box.classList.toggle("is-open", isOpen);
    this.#part("launcher").setAttribute("aria-expanded", String(isOpen));
    this.#part("panel").setAttribute("aria-modal", String(isOpen && this.phone.matches));
    this.#hail(false);
    if (isOpen) this.memory.write("open", true);
    else this.memory.forget("open");
    if (isOpen) this.#readAll();
  }

  /** A word of greeting beside the button. */
  #hail(isShown) {
    this.#part("hail").hidden = !isShown;
  }

  // --- News ----------------------------------------------------------------------------------------------------

  #heedNews(entry, isLive) {
    if (!entry.messageId) return;
    const { createdAt } = entry;
    const isNew = !createdAt || createdAt > this.memory.read("seen", "");
    if (isLive) this.#tell("message", { role: entry.author ? "human" : "bot", text: entry.text });
    if (createdAt) this.newest = createdAt;
    if (this.isOpen) return this.#readAll();
    if (!isNew) return;
    this.unread += 1;
    this.#drawUnread();
  }

  #readAll() {
    if (this.newest) this.memory.write("seen", this.newest);
    if (this.unread === 0) return;
    this.unread = 0;
    this.#drawUnread();
  }

  #drawUnread() {
    showText(this.#part("launcher-badge"), this.unread > 9 ? "9+" : this.unread ? String(this.unread) : "");
    this.#part("launcher-news").textContent = this.unread ? this.surface.t("unread", { count: this.unread }) : "";
    this.#nameLauncher();
    this.#tell("unread", { count: this.unread });
  }

  #nameLauncher() {
    if (this.unread) this.surface.label(this.#part("launcher"), "open_chat_unread", { count: this.unread });
    else this.surface.label(this.#part("launcher"), "open_chat");
  }

  // --- Keys ----------------------------------------------------------------------------------------------------

  #keyDown(event) {
    if (!this.isOpen || event.defaultPrevented) return;
    if (event.key === "Escape" && !event.isComposing) {
      event.preventDefault();
      this.close();
    } else if (event.key === "Tab") {
      this.#keepFocus(event);
    }
  }

  /** Tab goes round in the open panel; Esc leaves it. */
  #keepFocus(event) {
    const stops = [...this.#part("panel").querySelectorAll(FOCUSABLE), this.#part("launcher")].filter((element) => element.checkVisibility());
    const [first, last] = [stops[0], stops.at(-1)];
    const from = event.shiftKey ? first : last;
    if (this.root.activeElement !== from) return;
    event.preventDefault();
    (event.shiftKey ? last : first).focus();
  }

  #tell(name, detail = {}) {
    this.dispatchEvent(new CustomEvent(`troupe:${name}`, { detail: { key: this.key, ...detail }, bubbles: true, composed: true }));
  }
}

function pixels(value) {
  return value === null || value === undefined || Number.isNaN(Number(value)) ? null : `${Number(value)}px`;
}

async function text(name) {
  const response = await fetch(new URL(name, FILES));
  if (!response.ok) throw new Error(`${name}: status ${response.status}`);
  return response.text();
}

/** A constructed sheet: a page whose policy forbids inline styles has nothing against it. */
async function sheet() {
  return new CSSStyleSheet().replace(await text("widget.css"));
}

if (!customElements.get("troupe-chat")) customElements.define("troupe-chat", TroupeChat);
