import { showText } from "./dom.js";

// Who stopped writing does not say so.
const TYPING_FOR_MS = 6000;
const MARKS = 5;

/** Who answers, a person or the bot, as the visitor sees it: asks for a person, and says how that goes. */
export class Hands {
  constructor(surface, { conversation, persona, say }) {
    Object.assign(this, { surface, conversation, persona, say });
    surface.byId("person").addEventListener("click", () => this.#ask());
    surface.byId("contact").addEventListener("submit", (event) => this.#leaveWord(event));
    surface.byId("satisfaction").addEventListener("submit", (event) => this.#judge(event));
    surface.byId("satisfaction-marks").append(...Array.from({ length: MARKS }, (_, at) => this.#mark(at + 1)));
  }

  draw(transcript) {
    const { surface } = this;
    const { handoff, agent, hands, isEmpty } = transcript;
    if (handoff !== this.handoff || hands !== this.drawnHands) this.#changeHands(handoff, hands);
    const isWithPeople = ["requested", "human"].includes(handoff);
    const isOffered = this.conversation.standing?.is_offered ?? this.persona.offers_person;
    surface.byId("person").hidden = !isOffered || isWithPeople;
    // What changes hands is told in its turn: one who asks in the middle of an answer hears so when it ends.
    const isAsking = this.isAsking && handoff === "bot";
    surface.byId("person").disabled = isAsking;
    surface.byId("hands").hidden = !isWithPeople && !isAsking;
    surface.byId("hands").dataset.state = isAsking ? "requested" : handoff;
    const key = isAsking ? "hands_asking" : { requested: "hands_requested", human: "hands_human" }[handoff];
    surface.byId("hands-text").textContent = key ? surface.t(key, { agent: agent ?? surface.t("someone") }) : "";
    surface.byId("contact").hidden = isEmpty || !hands.form || this.hasLeftWord;
    surface.byId("satisfaction").hidden = isEmpty || !hands.satisfaction || this.hasJudged;
    const last = transcript.entries.at(-1);
    if (handoff !== "human" || last !== this.last) this.#showTyping(null); // what was written is there
    this.last = last;
  }

  #changeHands(handoff, hands) {
    Object.assign(this, { handoff, drawnHands: hands, isAsking: false, hasLeftWord: false, hasJudged: false });
    for (const id of ["contact", "satisfaction"]) this.surface.byId(id).reset();
  }

  /** Somebody writes. What the visitor himself writes in another tab is no news. */
  heedTyping({ by, name }) {
    if (by === "human") this.#showTyping(name || this.surface.t("someone"));
  }

  #showTyping(name) {
    clearTimeout(this.typing);
    this.surface.byId("typing").hidden = !name;
    showText(this.surface.byId("typing-text"), name && this.surface.t("person_typing", { agent: name }));
    if (name) this.typing = setTimeout(() => this.#showTyping(null), TYPING_FOR_MS);
  }

  /** Ask for a person; one who has said nothing yet opens the conversation with it. */
  #ask() {
    this.conversation.askForPerson();
    this.isAsking = true;
    this.draw(this.conversation.transcript);
    this.say(this.surface.t("hands_asking"));
  }

  /** Something was refused: whatever it was, one may ask again. */
  giveUp() {
    this.isAsking = false;
    this.draw(this.conversation.transcript);
  }

  async #leaveWord(event) {
    event.preventDefault();
    const { name, contact, message } = event.target.elements;
    const word = { name: name.value.trim(), contact: contact.value.trim(), message: message.value.trim() };
    const form = event.target;
    if (!word.contact || !(await this.conversation.leaveContact(word))) return;
    this.hasLeftWord = form.hidden = true;
    this.say(this.surface.t("contact_sent"));
  }

  async #judge(event) {
    event.preventDefault();
    const { mark, comment } = event.target.elements;
    const form = event.target;
    if (!mark.value || !(await this.conversation.judge(Number(mark.value), comment.value.trim()))) return;
    this.hasJudged = form.hidden = true;
    this.say(this.surface.t("thanks"));
  }

  #mark(value) {
    const label = document.createElement("label");
    const input = Object.assign(document.createElement("input"), { type: "radio", name: "mark", value, required: true });
    label.append(input, Object.assign(document.createElement("span"), { textContent: value }));
    return label;
  }
}
