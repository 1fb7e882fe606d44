import { byId, placeIcons } from "../../chat/dom.js";
import { startLanguage, startTheme } from "../../chat/preferences.js";
import { Bubbles } from "./bubbles.js";
import { Cards } from "./cards.js";
import { clockText, dayOf, isNight } from "./daylight.js";
import { Designer } from "./designer.js";
import { Dialogue } from "./dialogue.js";
import { Game } from "./game.js";
import { startHands } from "./hands.js";
import { Journal } from "./journal.js";
import { memory } from "./memory.js";
import { phraseOfDeed } from "./deeds.js";
import { Saves } from "./saves.js";
import { Away, Refused } from "./server.js";
import { Stage } from "./stage.js";
import { Surroundings } from "./surroundings.js";
import { currentLanguage, explain, t } from "./strings.js";
import { Trouble } from "./trouble.js";
import { Troupe } from "./troupe.js";
import { Typing } from "./typing.js";

const KEPT_LINES = 20;

/** The page: hands what happens in one part to the others. */
class Play {
  constructor() {
    this.game = new Game(document.body.dataset.playUrl, memory);
    this.trouble = new Trouble({ startOver: () => this.#begin(() => this.game.startOver(t("you"))), again: () => this.#resume() });
    this.troupe = new Troupe({
      arrive: () => this.#arrived(),
      leave: (way) => this.#leave(way),
      reach: (id) => this.talk(id),
      land: () => this.#land(),
    });
    this.stage = new Stage(byId("canvas"), this.troupe);
    this.bubbles = new Bubbles(byId("bubbles"), this.stage, this.troupe);
    this.stage.before = () => this.#eachFrame();
    this.journal = new Journal(this.game);
    this.cards = new Cards(() => (this.dialogue.isOpen ? this.dialogue.focus() : byId("map").focus()));
    this.surroundings = new Surroundings(this.game, this.troupe, {
      talk: (id) => this.#approach(id),
      go: (way) => this.troupe.leaveBy(way),
      rest: () => this.#try(() => this.game.rest()),
    });
    this.dialogue = new Dialogue(this.game, { say: (text) => this.say(text), leave: () => this.leaveTalk() });
    this.designer = new Designer(this.game, {
      happen: (type) => this.#try(() => this.game.happen(type), () => this.announce(t("happened", { what: t(`event_${type}`) }))),
      rewind: (seq) => this.#load({ seq }),
      trouble: (error) => this.trouble.tell(error),
    });
    this.saves = new Saves(this.game, {
      load: (save) => this.#load({ save }),
      startOver: () => this.#begin(() => this.game.startOver(t("you"))),
      trouble: (error) => this.trouble.tell(error),
      close: () => byId("map").focus(),
    });
    this.#connect();
  }

  #connect() {
    this.game.addEventListener("story", ({ detail }) => this.#changed(detail));
    this.game.addEventListener("delta", ({ detail }) => this.#heard(detail));
    this.game.addEventListener("said", ({ detail }) => this.#said(detail));
    this.game.addEventListener("settled", ({ detail }) => this.#settled(detail));
    startHands(this);
    byId("designer-open").addEventListener("click", () => this.designer.toggle());
    byId("designer-close").addEventListener("click", () => this.closeDesigner());
    byId("journal-open").addEventListener("click", () => this.toggleJournal());
    byId("saves-open").addEventListener("click", () => this.saves.open());
    byId("help-open").addEventListener("click", () => this.cards.show("new"));
    startTheme();
    startLanguage({ onChange: () => this.enter() });
  }

  /** Play the story of the page's language. */
  enter() {
    document.title = t("play_title");
    return this.#begin(() => this.game.enter(currentLanguage() === "en" ? "en" : "zh", { name: t("you") }));
  }

  async #begin(open) {
    this.leaveTalk();
    this.bubbles.clear();
    await this.#try(open, () => {
      document.body.classList.remove("is-loading");
      byId("loading").hidden = true;
    });
  }

  async #resume() {
    if (this.game.story) await this.#try(() => this.game.enter(this.game.language, { name: t("you") }));
    else await this.enter();
  }

  /** Do something that the server may refuse. */
  async #try(action, done = () => {}) {
    try {
      await action();
      this.trouble.clear();
      await done();
    } catch (error) {
      this.trouble.tell(error);
    }
  }

  // --- What has changed -----------------------------------------------------------------------------------------
  #changed({ before, after, why }) {
    this.troupe.place(after, why === "walk" ? this.arrival : undefined);
    this.arrival = undefined;
    this.stage.show(after, this.game.here);
    this.journal.show();
    this.surroundings.show(this.troupe.nearest());
    this.#arrived();
    if (why === "new") this.cards.show("new");
    if (why === "rest") this.announce(isNight(after.game_time) ? t("night_falls") : t("morning_comes"));
    if (why === "walk") this.announce(t("arrived", { place: this.game.scene(this.game.here).name, text: this.game.scene(this.game.here).description }));
    if (why === "load") this.#loaded(after);
    if (before && why === "turn") this.#toldOnCards(before.state, after.state);
  }

  #toldOnCards(before, after) {
    const trip = after.boat !== before.boat && { lake_middle: "lake", far_shore: "far" }[after.boat];
    const card = after.stage > before.stage ? after.stage : trip;
    if (card) this.typing.whole.then(() => this.cards.show(card));
  }

  #loaded(story) {
    const clock = t("clock", { day: dayOf(story.game_time), time: clockText(story.game_time) });
    this.announce(t("loaded", { place: this.game.scene(this.game.here).name, clock }));
  }

  async #load(where) {
    this.leaveTalk();
    this.bubbles.clear();
    await this.#try(() => this.game.load(where));
  }

  #arrived() {
    const { tx, ty } = this.troupe.player;
    byId("map").dataset.at = `${tx},${ty}`;
    this.surroundings.near(this.troupe.nearest());
  }

  // --- Walking --------------------------------------------------------------------------------------------------
  async #leave(way) {
    this.arrival = way.arrive;
    this.troupe.isFrozen = true;
    this.bubbles.clear();
    await this.#try(() => this.game.walk(way.to));
    this.troupe.isFrozen = false;
  }

  /** Step out of the boat. */
  #land() {
    this.troupe.halt();
    this.troupe.isFrozen = true;
    this.#try(() => this.game.walk("shore"), () => this.announce(t("ashore"))).then(() => (this.troupe.isFrozen = false));
    return true;
  }

  #approach(id) {
    byId("map").focus();
    if (this.troupe.isAfloat) this.talk(id);
    else this.troupe.approach(id);
  }

  // --- Talking --------------------------------------------------------------------------------------------------
  talkToNearest() {
    const id = this.troupe.nearest();
    if (id) this.talk(id);
  }

  talk(id) {
    this.troupe.halt();
    this.troupe.isFrozen = true;
    this.troupe.faceEachOther(id);
    this.designer.attend(id);
    this.dialogue.open(id);
    this.#suggest(id);
    this.stage.refresh();
  }

  async #suggest(id) {
    await this.#try(async () => {
      const { possible } = await this.game.sheet(id);
      if (this.dialogue.who === id) this.dialogue.offer(possible);
    });
  }

  leaveTalk() {
    if (!this.dialogue.isOpen) return;
    this.dialogue.close();
    this.troupe.isFrozen = false;
    byId("map").focus();
  }

  async say(text, { again = false } = {}) {
    const who = this.dialogue.who;
    if (!again) this.dialogue.add("you", text);
    this.#listen(who);
    this.bubbles.drop(this.game.story.player);
    this.bubbles.thinks(who);
    this.dialogue.wait(true);
    try {
      await this.game.say(who, text, { refuse: this.designer.refuses, again });
      this.trouble.clear();
    } catch (error) {
      this.#failed(error, who, text);
    }
    this.dialogue.wait(false);
    if (this.dialogue.who === who) await this.#suggest(who);
  }

  /** What comes next is said by this character: on the map over the head, and in the talk, letter by letter. */
  #listen(who) {
    let line = null;
    this.typing?.finish();
    this.typing = new Typing((text, isWhole) => {
      if (this.dialogue.who === who) line = this.dialogue.grow(line, text);
      this.bubbles.say(who, text, { isWhole });
      this.#mouth(who, !isWhole);
    });
  }

  #failed(error, who, text) {
    if (!(error instanceof Away || error instanceof Refused)) throw error;
    this.typing.finish();
    this.bubbles.drop(who);
    if (error.isOver) return this.trouble.tell(error);
    const why = error instanceof Away ? t("trouble_broken") : error.retryAfterS ? t("trouble_hurry", { seconds: error.retryAfterS }) : explain(error);
    this.dialogue.fail(why, () => this.say(text, { again: !error.retryAfterS }));
    this.announce(why);
  }

  #heard({ offset, text }) {
    this.typing.hear(offset, text);
  }

  #said({ character, say, emotion }) {
    this.typing.end(say);
    if (this.dialogue.who === character) this.dialogue.feel(emotion);
    const actor = this.troupe.actors.get(character);
    if (actor) actor.emotion = emotion;
    this.announce(`${this.game.character(character).name}: ${say}`);
  }

  #mouth(who, isTalking) {
    const actor = this.troupe.actors.get(who);
    if (actor) actor.talking = isTalking ? 1 : 0;
    if (!isTalking) this.dialogue.paint();
    this.stage.refresh();
  }

  #settled({ actor, name, arguments: given, accepted, reason, say }) {
    const what = phraseOfDeed(name, given);
    const values = { name: this.game.character(actor).name, what, reason };
    const note = accepted ? t("done_by", values) : t("refused_by", values);
    if (this.dialogue.who === actor) this.dialogue.add(accepted ? "deed" : "refusal", note);
    if (this.dialogue.who === actor && say) this.dialogue.add("they", say);
    if (say) this.bubbles.say(actor, say, { isWhole: true });
    this.announce(say ? `${note} ${say}` : note);
    if (accepted && name === "lead_to" && given.spot === "warm_stone") this.cards.show("stone");
  }

  #eachFrame() {
    this.typing?.tick();
    this.bubbles.place();
    if (!this.dialogue.isOpen) return;
    const actor = this.troupe.actors.get(this.dialogue.who);
    if (actor?.talking) this.dialogue.paint(0.5 + Math.sin(performance.now() / 70) * 0.5);
  }

  // --- Around the map -------------------------------------------------------------------------------------------
  closeDesigner() {
    this.designer.toggle(false);
    byId("designer-open").focus();
  }

  toggleJournal() {
    const isOpen = !document.body.classList.toggle("no-journal");
    byId("journal-open").setAttribute("aria-expanded", String(isOpen));
  }

  announce(text) {
    const box = byId("announcer");
    box.append(Object.assign(document.createElement("p"), { textContent: text }));
    while (box.childElementCount > KEPT_LINES) box.firstElementChild.remove();
  }
}

placeIcons(document);
const play = new Play();
if (matchMedia("(max-width: 52rem)").matches) play.toggleJournal();
play.enter();
