import { newId } from "../../chat/ids.js";
import { Away, Refused, Server } from "./server.js";

/**
 * One story as the page knows it. Tells of each change by `story` (detail: `{ before, after, why }`), of speech by
 * `delta` and `said`, and by `settled` of what the game made of an action.
 */
export class Game extends EventTarget {
  constructor(base, memory) {
    super();
    Object.assign(this, { server: new Server(base), memory, world: null, story: null, turnId: null });
  }

  /** Come back to the story of this language, or begin one. */
  async enter(language, { name }) {
    this.language = language;
    this.server.token = this.memory.token(language);
    const opened = this.server.token ? await this.#comeBack() : null;
    this.#begin(opened ?? (await this.server.post("sessions/", { language, name })), opened ? "back" : "new");
  }

  async startOver(name) {
    this.memory.forget(this.language);
    await this.enter(this.language, { name });
  }

  async #comeBack() {
    try {
      return await this.server.get("session/");
    } catch (error) {
      if (!error.isOver) throw error;
      this.server.token = null;
      return null;
    }
  }

  #begin({ token, world, story }, why) {
    this.server.token = token;
    this.memory.keep(this.language, token);
    this.world = world;
    this.story = null;
    this.#change(story, why);
  }

  #change(story, why) {
    const before = this.story;
    this.story = story;
    this.#tell("story", { before, after: story, why });
  }

  #tell(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }

  character(id) {
    return this.world.characters.find((one) => one.id === id);
  }

  scene(id) {
    return this.world.scenes.find((one) => one.id === id);
  }

  get here() {
    return this.story.scenes[this.story.player];
  }

  /** Say something. The same turn is sent again if the line broke before its answer was whole. */
  async say(character, text, { refuse, again = false } = {}) {
    this.turnId = again ? this.turnId : newId();
    const body = { turn_id: this.turnId, character, text, refuse };
    let isWhole = false;
    for await (const { type, ...event } of this.server.stream("session/turns/", body)) {
      if (type === "speech.delta") this.#tell("delta", { character, ...event });
      else if (type === "speech.final") this.#tell("said", { character, ...event });
      else if (type === "action.settled") this.#tell("settled", event);
      else if (type === "error") throw new Refused(409, event);
      else if (type === "story") {
        isWhole = true;
        this.#change(event.story, "turn");
      }
    }
    if (!isWhole) throw new Away();
  }

  async walk(scene) {
    this.#change(await this.server.post("session/moves/", { scene }), "walk");
  }

  async rest() {
    this.#change(await this.server.post("session/rest/"), "rest");
  }

  async happen(type) {
    this.#change(await this.server.post("session/events/", { type }), "event");
  }

  async save() {
    return (await this.server.post("session/save/")).saves;
  }

  async saves() {
    return (await this.server.get("session/saves/")).saves;
  }

  /** `{ save: id }` or `{ seq }`: go on from there. */
  async load(where) {
    this.#change(await this.server.post("session/load/", where), "load");
  }

  async turns() {
    return (await this.server.get("session/log/")).turns;
  }

  sheet(character) {
    return this.server.get(`session/characters/${encodeURIComponent(character)}/`);
  }
}
