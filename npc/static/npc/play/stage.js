import { prefersStillness } from "../../chat/dom.js";
import { HEIGHT, MAPS, MARGIN, WIDTH } from "./maps.js";
import { oval } from "./painting/brush.js";
import { paintGround } from "./painting/ground.js";
import { INDOORS } from "./painting/indoors.js";
import { OUTDOORS, hull } from "./painting/outdoors.js";
import { paintPerson } from "./painting/people.js";
import { glowAt, hourOf, lightAt } from "./daylight.js";

const PAINTERS = { ...OUTDOORS, ...INDOORS };
// Half of what screens can do is enough for people who walk.
const FRAME_MS = 1000 / 32;
const SMALLEST_TILE = 42;
const LARGEST_TILE = 104;
// How much of a scene's height is seen at once on a wide window, also of what a talk covers then.
const ROWS_SEEN = 11;
// On a phone held upright a scene is as high as the part of the page that is left to it.
const PORTRAIT_SHARE = 0.8;
// Roofs stand out above the first row.
const HEADROOM = 1.4;

/** The scene on a canvas: the ground, what stands on it, who walks there, and the light of the hour over all. */
export class Stage {
  constructor(canvas, troupe) {
    Object.assign(this, { canvas, troupe, pen: canvas.getContext("2d"), story: null, before: () => {} });
    this.camera = { x: 0, y: 0 };
    this.ground = null;
    this.drawnAt = 0;
    this.isStale = true;
    new ResizeObserver(() => this.#fit()).observe(canvas.parentElement);
    matchMedia("(prefers-reduced-motion: reduce)").addEventListener("change", () => this.refresh());
    this.#fit();
    requestAnimationFrame((t) => this.#frame(t));
  }

  /** Draw again soon, also where nothing moves by itself. */
  refresh() {
    this.isStale = true;
  }

  show(story, scene) {
    if (scene !== this.scene) this.ground = null;
    Object.assign(this, { story, scene, map: MAPS[scene] });
    this.refresh();
  }

  /** The tile under a point of the window. */
  tileAt(clientX, clientY) {
    const box = this.canvas.getBoundingClientRect();
    return [Math.floor((clientX - box.left) / this.tile + this.camera.x), Math.floor((clientY - box.top) / this.tile + this.camera.y)];
  }

  /** Where a place on the map is on the canvas, in CSS pixels. */
  pointOf(x, y) {
    return [(x - this.camera.x) * this.tile, (y - this.camera.y) * this.tile];
  }

  #fit() {
    const map = this.canvas.parentElement;
    const { clientWidth: width, clientHeight: height } = map;
    const ratio = Math.min(devicePixelRatio || 1, 2);
    if (!width || !height) return;
    const whole = map.closest("main").clientHeight;
    const wanted = width < height ? (whole * PORTRAIT_SHARE) / (HEIGHT + HEADROOM) : Math.min(width / WIDTH, whole / ROWS_SEEN);
    this.tile = Math.min(LARGEST_TILE, Math.max(SMALLEST_TILE, wanted));
    Object.assign(this, { width, height, ratio });
    this.canvas.width = Math.round(width * ratio);
    this.canvas.height = Math.round(height * ratio);
    this.ground = null;
    this.refresh();
  }

  #frame(t) {
    requestAnimationFrame((next) => this.#frame(next));
    if (!this.story || !this.tile || t - this.drawnAt < FRAME_MS) return;
    const elapsed = Math.min(100, t - this.drawnAt);
    this.drawnAt = t;
    const still = prefersStillness();
    const moved = this.troupe.move(elapsed, still);
    this.before();
    if (still && !moved && !this.isStale && !this.troupe.isTalking) return;
    this.isStale = false;
    this.#paint(t, still);
  }

  #paint(t, still) {
    const { pen, map, tile, ratio, story } = this;
    this.#aim();
    this.ground ??= this.#paintedGround();
    pen.setTransform(1, 0, 0, 1, 0, 0);
    pen.fillStyle = map.outdoors ? "#5f8f4d" : "#2b211c";
    pen.fillRect(0, 0, this.canvas.width, this.canvas.height);
    const scale = tile * ratio;
    pen.setTransform(scale, 0, 0, scale, -this.camera.x * scale, -this.camera.y * scale);
    pen.drawImage(this.ground, -MARGIN, -MARGIN, WIDTH + 2 * MARGIN, HEIGHT + 2 * MARGIN);
    const hour = hourOf(story.game_time);
    const around = { t: still ? 0 : t, still, hour, state: story.state, isDark: glowAt(hour) > 0.3, isAway: this.troupe.isAfloat };
    if (this.scene === "shore") this.#lake(around);
    for (const painted of this.#inOrder(around)) painted.paint();
    this.#light(around);
  }

  /** Keep the player in the middle, and the map on the whole canvas where it is large enough. */
  #aim() {
    const { x, y } = this.troupe.focus;
    const aim = (at, size, from, to) => (size >= to - from ? (from + to - size) / 2 : Math.max(from, Math.min(to - size, at - size / 2)));
    const top = this.map.outdoors ? -HEADROOM : -0.2;
    const wanted = { x: aim(x + 0.5, this.width / this.tile, 0, WIDTH), y: aim(y, this.height / this.tile, top, HEIGHT) };
    const far = Math.hypot(wanted.x - this.camera.x, wanted.y - this.camera.y) > 4;
    const share = far || prefersStillness() ? 1 : 0.18;
    this.camera.x += (wanted.x - this.camera.x) * share;
    this.camera.y += (wanted.y - this.camera.y) * share;
  }

  #paintedGround() {
    const canvas = document.createElement("canvas");
    const scale = this.tile * this.ratio;
    canvas.width = Math.round((WIDTH + 2 * MARGIN) * scale);
    canvas.height = Math.round((HEIGHT + 2 * MARGIN) * scale);
    const pen = canvas.getContext("2d");
    pen.scale(scale, scale);
    pen.translate(MARGIN, MARGIN);
    paintGround(pen, this.map);
    return canvas;
  }

  /** Props and people from the back to the front: whose feet are lower stands before the others. */
  #inOrder(around) {
    const props = this.map.props
      .filter((prop) => PAINTERS[prop.kind])
      .map((prop) => ({ at: prop.under ? prop.y : prop.y + prop.h - 0.05, paint: () => PAINTERS[prop.kind](this.pen, prop, around) }));
    const people = this.troupe.here().map((one) => {
      const seat = this.map.seats?.includes(one.id) && one.isHome;
      const feet = one.y + (seat ? 0.78 : 0.88);
      const pose = { ...one.pose(around.t), t: around.t, sits: seat };
      return { at: seat ? one.y + 1 : feet, paint: () => paintPerson(this.pen, one.id, one.x + 0.5, feet, pose) };
    });
    if (this.troupe.isAfloat) people.push({ at: 8.2, paint: () => this.#afloat(around) });
    return [...props, ...people].sort((one, other) => one.at - other.at);
  }

  #lake({ t, still, state }) {
    const { pen } = this;
    for (let n = 0; n < 26; n++) {
      const x = ((n * 3.7) % 16) + (still ? 0 : Math.sin(t / 1700 + n) * 0.25);
      const y = 7.5 + ((n * 1.31) % 3.4);
      if (x > 6.8 && x < 9) continue;
      pen.globalAlpha = 0.35 + (still ? 0 : Math.sin(t / 900 + n * 2) * 0.25);
      oval(pen, x, y, 0.3, 0.03, "#cfe8ec");
    }
    pen.globalAlpha = 1;
    if (state.spring < 8) oval(pen, 11.5, 7.05, 2.4, 0.42, "#d9c595");
  }

  #afloat({ t, still }) {
    const bob = still ? 0 : Math.sin(t / 700) * 0.06;
    const { x, y } = this.troupe.focus;
    paintPerson(this.pen, "ferrywoman", x + 0.1, y + 0.45 + bob, { dir: "right", emotion: "happy" });
    paintPerson(this.pen, "carrier", x + 0.95, y + 0.45 + bob, { dir: "right", emotion: "happy" });
    hull(this.pen, x - 0.9, y + 0.1 + bob);
  }

  #light({ hour, state, isDark, still, t }) {
    const { pen, map } = this;
    const colour = lightAt(hour, Boolean(map.outdoors));
    pen.save();
    pen.setTransform(1, 0, 0, 1, 0, 0);
    pen.globalCompositeOperation = "multiply";
    pen.fillStyle = colour;
    pen.fillRect(0, 0, this.canvas.width, this.canvas.height);
    pen.restore();
    if (!isDark && map.outdoors) return;
    pen.save();
    pen.globalCompositeOperation = "screen";
    for (const [x, y, r] of lampsOf(this.scene, isDark)) glow(pen, x, y, r * (still ? 1 : 1 + Math.sin(t / 400 + x) * 0.03));
    if (state.stage >= 4 && map.outdoors) for (let n = 0; n < 14; n++) firefly(pen, n, still ? 0 : t);
    pen.restore();
  }
}

function lampsOf(scene, isDark) {
  if (scene === "bakery") return [[4, 2.4, isDark ? 4.6 : 2.6]];
  if (!isDark) return [];
  if (scene === "schoolhouse") return [[10.6, 3.8, 4.6], [6, 9, 2.5]];
  if (scene === "square") return [[3.5, 6.7, 2.8], [12.5, 6.7, 2.8], [1, 1.3, 1.7], [3.8, 1.3, 1.7], [12, 1.3, 1.7], [14.8, 1.3, 1.7], [8, 3.4, 1.6]];
  return [[9.5, 6.2, 2.4]];
}

function glow(pen, x, y, r) {
  const light = pen.createRadialGradient(x, y, 0, x, y, r);
  light.addColorStop(0, "#ffc46a66");
  light.addColorStop(1, "#ffc46a00");
  pen.fillStyle = light;
  pen.fillRect(x - r, y - r, 2 * r, 2 * r);
}

function firefly(pen, n, t) {
  const x = ((n * 5.3) % 16) + Math.sin(t / 1900 + n) * 0.6;
  const y = ((n * 3.1) % 10) + Math.cos(t / 1500 + n * 2) * 0.5;
  oval(pen, x, y, 0.05, 0.05, "#f6f3a8");
  glow(pen, x, y, 0.4);
}
