import { MAPS, findPath, isFree, pathTowards, solidTiles, wayAt } from "./maps.js";

const STEP_MS = 165;
const DIRECTIONS = { up: [0, -1], down: [0, 1], left: [-1, 0], right: [1, 0] };
const SOLID = Object.fromEntries(Object.entries(MAPS).map(([scene, map]) => [scene, solidTiles(map)]));
const BLINK_EVERY_MS = 3400;

/** Somebody on the map: on a tile, or on the way to the next one. */
class Actor {
  constructor(id, x, y) {
    Object.assign(this, { id, x, y, tx: x, ty: y, dir: "down", emotion: "neutral", talking: 0, isHome: true, phase: id.length * 731 });
  }

  get isWalking() {
    return this.x !== this.tx || this.y !== this.ty;
  }

  stepTo(x, y) {
    this.face(x, y);
    Object.assign(this, { tx: x, ty: y });
  }

  face(x, y) {
    const [dx, dy] = [x - this.tx, y - this.ty];
    if (dx || dy) this.dir = Math.abs(dx) > Math.abs(dy) ? (dx > 0 ? "right" : "left") : dy > 0 ? "down" : "up";
  }

  /** Go on towards the tile, `share` of a tile. True when it is reached. */
  advance(share) {
    const [dx, dy] = [this.tx - this.x, this.ty - this.y];
    const left = Math.abs(dx) + Math.abs(dy);
    if (left <= share) Object.assign(this, { x: this.tx, y: this.ty });
    else Object.assign(this, { x: this.x + (dx / left) * share, y: this.y + (dy / left) * share });
    return left <= share;
  }

  pose(t) {
    const step = this.isWalking ? ((this.x + this.y) * 0.5) % 1 : undefined;
    return {
      dir: this.dir,
      emotion: this.emotion,
      step: step === undefined ? undefined : Math.abs(step),
      breath: t ? Math.sin((t + this.phase) / 620) : 0,
      blink: t > 0 && (t + this.phase) % BLINK_EVERY_MS < 130,
      talking: this.talking && t ? 0.5 + Math.sin(t / 70) * 0.5 : this.talking,
    };
  }
}

/**
 * Who is in the scene and walks there. Reports to `on`: `arrive(player)` on each new tile, `leave(way)` at the end of a way,
 * `reach(id)` beside whom the player set out for.
 */
export class Troupe {
  constructor(on) {
    Object.assign(this, { on, actors: new Map(), scene: null, player: null, held: [], tapped: null, path: [], target: null, isFrozen: false, restMs: 0 });
  }

  /** Put everybody where the story has them. On a new scene the player stands at `arrive`. */
  place(story, arrive) {
    const scene = story.scenes[story.player];
    const isNew = scene !== this.scene;
    this.map = MAPS[scene];
    this.state = story.state;
    if (isNew || arrive) this.#enter(story.player, scene, arrive ?? this.map.start);
    this.scene = scene;
    for (const [id, where] of Object.entries(story.scenes)) {
      if (id === story.player) continue;
      if (where !== scene) this.actors.delete(id);
      else this.#seat(id, story.emotions[id], story.state.following.includes(id), isNew);
    }
  }

  #enter(id, scene, [x, y]) {
    this.actors.clear();
    this.path = [];
    this.target = null;
    this.player = new Actor(id, x, y);
    this.player.dir = y > 5 ? "up" : "down";
    this.actors.set(id, this.player);
  }

  #seat(id, emotion, follows, isNew) {
    const home = this.map.homes[id];
    let actor = this.actors.get(id);
    if (!actor) {
      const [x, y] = home && !follows ? home : this.#besidePlayer();
      actor = new Actor(id, x, y);
      this.actors.set(id, actor);
    }
    actor.follows = follows;
    actor.isHome = Boolean(home) && actor.tx === home[0] && actor.ty === home[1];
    actor.emotion = emotion ?? "neutral";
    if (follows && isNew) Object.assign(actor, { dir: this.player.dir });
  }

  #besidePlayer() {
    const { tx, ty } = this.player;
    const near = [[tx + 1, ty], [tx - 1, ty], [tx, ty + 1], [tx, ty - 1], [tx + 1, ty + 1], [tx - 1, ty + 1], [tx + 2, ty], [tx - 2, ty]];
    return near.find(([x, y]) => this.#isOpen(x, y) && !wayAt(this.map, x, y)) ?? [tx, ty];
  }

  here() {
    return [...this.actors.values()].filter((one) => !(this.isAfloat && [this.player.id, "ferrywoman"].includes(one.id)));
  }

  get isAfloat() {
    return this.scene === "shore" && this.state?.boat !== "jetty";
  }

  /** What the camera looks at. */
  get focus() {
    return this.isAfloat ? { x: this.state.boat === "far_shore" ? 13 : 11, y: 9 } : this.player;
  }

  get isTalking() {
    return [...this.actors.values()].some((one) => one.talking);
  }

  // --- Walking --------------------------------------------------------------------------------------------------
  press(direction) {
    if (!this.held.includes(direction)) this.held.push(direction);
    this.tapped = direction; // one step also for a key that is let go within a frame
    this.path = [];
    this.target = null;
  }

  release(direction) {
    this.held = this.held.filter((one) => one !== direction);
  }

  halt() {
    this.held = [];
    this.tapped = null;
    this.path = [];
    this.target = null;
  }

  /** Set out for a tile or as near to it as one gets, and if somebody stands there to talk. */
  walkTo(x, y) {
    const there = [...this.actors.values()].find((one) => one !== this.player && one.tx === x && Math.abs(one.ty - y) < 1.1 && one.ty >= y);
    if (there) return this.approach(there.id);
    this.halt();
    const isGoal = (tx, ty) => tx === x && ty === y;
    this.path = pathTowards((tx, ty) => this.#leadsOn(tx, ty, isGoal), [this.player.tx, this.player.ty], [x, y]);
  }

  approach(id) {
    const who = this.actors.get(id);
    if (!who) return;
    this.target = id;
    if (this.isBeside(who)) return this.#reached();
    this.#setOut((x, y) => isNear(who, x, y));
  }

  leaveBy(way) {
    this.#setOut((x, y) => way.at.some(([wx, wy]) => wx === x && wy === y));
  }

  #setOut(isGoal) {
    const { target } = this;
    this.held = [];
    this.path = findPath((x, y) => this.#leadsOn(x, y, isGoal), [this.player.tx, this.player.ty], isGoal);
    this.target = target;
  }

  isBeside(who) {
    return isNear(who, this.player.tx, this.player.ty);
  }

  /** Who is near enough to talk to: before whom the player stands, else the nearest. */
  nearest() {
    if (this.isAfloat) return "ferrywoman";
    const [dx, dy] = DIRECTIONS[this.player.dir];
    const near = [...this.actors.values()].filter((one) => one !== this.player && this.isBeside(one));
    const ahead = near.find((one) => one.tx === this.player.tx + dx && one.ty === this.player.ty + dy);
    return (ahead ?? near[0])?.id ?? null;
  }

  faceEachOther(id) {
    const who = this.actors.get(id);
    if (!who || this.isAfloat) return;
    this.player.face(who.tx, who.ty);
    who.face(this.player.tx, this.player.ty);
  }

  /** Let time pass. True if anybody moved. */
  move(elapsedMs, still) {
    if (!this.player) return false;
    let moved = false;
    for (const one of this.actors.values()) {
      if (!one.isWalking) continue;
      moved = true;
      const hasArrived = one.advance(still ? 2 : elapsedMs / STEP_MS);
      if (hasArrived && one === this.player) this.#arrived();
    }
    this.restMs -= elapsedMs;
    if (!this.player.isWalking && !this.isFrozen && this.restMs <= 0 && this.#next()) {
      moved = true;
      this.restMs = still ? STEP_MS : 0;
    }
    return moved;
  }

  #next() {
    const step = this.path.shift() ?? this.#heldStep();
    if (!step) return false;
    const [x, y] = step;
    if (this.isAfloat) return this.on.land();
    this.player.face(x, y);
    if (!this.#isOpen(x, y)) {
      this.path = [];
      return true;
    }
    this.#trail();
    this.player.stepTo(x, y);
    return true;
  }

  #heldStep() {
    const direction = this.held.at(-1) ?? this.tapped;
    this.tapped = null;
    if (!direction) return null;
    const [dx, dy] = DIRECTIONS[direction];
    return [this.player.tx + dx, this.player.ty + dy];
  }

  /** Who goes along steps where the one before him stood. */
  #trail() {
    let [x, y] = [this.player.tx, this.player.ty];
    for (const one of this.actors.values()) {
      if (!one.follows) continue;
      const [wasX, wasY] = [one.tx, one.ty];
      one.stepTo(x, y);
      one.isHome = false;
      [x, y] = [wasX, wasY];
    }
  }

  #arrived() {
    const way = wayAt(this.map, this.player.tx, this.player.ty);
    if (way) {
      this.halt();
      return this.on.leave(way);
    }
    if (this.target && !this.path.length) this.#reached();
    this.on.arrive(this.player);
  }

  #reached() {
    const id = this.target;
    this.halt();
    this.faceEachOther(id);
    this.on.reach(id);
  }

  /** Whether a path may go there: not out of the scene, unless that is where it is to lead. */
  #leadsOn(x, y, isGoal) {
    return this.#isOpen(x, y) && (isGoal(x, y) || !wayAt(this.map, x, y));
  }

  #isOpen(x, y) {
    if (!isFree(SOLID[this.scene] ?? SOLID[sceneOf(this.map)], x, y)) return false;
    return ![...this.actors.values()].some((one) => one !== this.player && !one.follows && one.tx === x && one.ty === y);
  }
}

const sceneOf = (map) => Object.keys(MAPS).find((scene) => MAPS[scene] === map);

/** Beside or across a corner, and over a counter or a bench. */
function isNear(who, x, y) {
  const [dx, dy] = [Math.abs(who.tx - x), Math.abs(who.ty - y)];
  return dx + dy > 0 && (dx <= 1 && dy <= 1 || dx === 0 && dy === 2);
}
