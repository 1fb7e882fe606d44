import { byId } from "../../chat/dom.js";
import { oval, shape } from "./painting/brush.js";
import { hull } from "./painting/outdoors.js";
import { paintPerson } from "./painting/people.js";
import { t } from "./strings.js";

// Who stands on the picture of each card.
const CAST = {
  new: ["carrier"], 1: ["child", "carrier"], 2: ["teacher", "carrier"], 3: ["baker", "beekeeper", "carrier", "ferrywoman", "clockmaker"],
  4: ["teacher", "baker", "child", "bellkeeper", "carrier", "clockmaker", "ferrywoman", "beekeeper", "cat"], stone: ["cat", "carrier"], lake: [], far: [],
};
const NIGHT = new Set(["1", "4", "lake"]);

/** The moments of the story that are told on a card, one after another. */
export class Cards {
  constructor(close) {
    this.close = close;
    this.window = byId("card");
    this.waiting = [];
    this.window.addEventListener("close", () => this.isOpen || this.#next()); // a late word of the card before
  }

  get isOpen() {
    return this.window.open;
  }

  show(name) {
    this.waiting.push(String(name));
    if (!this.isOpen) this.#next();
  }

  #next() {
    const name = this.waiting.shift();
    if (name === undefined) return this.close();
    byId("card-title").textContent = t(`card_${name}`);
    byId("card-text").textContent = t(`card_${name}_text`);
    byId("card-keys").textContent = name === "new" ? `${t("card_keys")} ${isReader() ? t("reader_notice") : ""}` : "";
    this.#paint(name);
    this.window.showModal();
    byId("card-go-on").focus();
  }

  #paint(name) {
    const canvas = byId("card-picture");
    const pen = canvas.getContext("2d");
    const unit = canvas.height / 2.4;
    pen.setTransform(unit, 0, 0, unit, 0, 0);
    const width = canvas.width / unit;
    const isNight = NIGHT.has(name);
    sky(pen, width, isNight);
    hill(pen, width, isNight, ["3", "4", "lake"].includes(name));
    if (name === "lake" || name === "far") return water(pen, width, name === "lake");
    const cast = CAST[name];
    const gap = Math.min(0.85, (width - 1) / cast.length);
    cast.forEach((who, n) => {
      const x = width / 2 + (n - (cast.length - 1) / 2) * gap;
      paintPerson(pen, who, x, 2.15 + (n % 2) * 0.1, { dir: "down", emotion: name === "4" ? "happy" : "curious", awake: true });
    });
  }
}

const isReader = () => "reader" in document.body.dataset;

function sky(pen, width, isNight) {
  const light = pen.createLinearGradient(0, 0, 0, 2);
  for (const [n, colour] of (isNight ? ["#232c55", "#4d4f7d", "#87709a"] : ["#bfe0e6", "#e9ead2", "#f6dfb4"]).entries()) light.addColorStop(n / 2, colour);
  pen.fillStyle = light;
  pen.fillRect(0, 0, width, 2.4);
  if (isNight) for (let n = 0; n < 30; n++) oval(pen, (n * 0.83) % width, (n * 0.37) % 1.1, 0.012, 0.012, "#fdf6d8");
  oval(pen, width * 0.8, 0.45, 0.2, 0.2, isNight ? "#fbf3d0" : "#ffe9a8");
}

/** The hill; once it is known what it is, its face can be seen. */
function hill(pen, width, isNight, hasFace) {
  oval(pen, width * 0.36, 2.1, 2.3, 1.45, isNight ? "#3f4a63" : "#9dbb86");
  oval(pen, width * 0.85, 2.3, 1.9, 1.05, isNight ? "#36405a" : "#8fb078");
  pen.fillStyle = isNight ? "#2f3a44" : "#83a86a";
  pen.fillRect(0, 1.85, width, 0.6);
  if (!hasFace) return shape(pen, [[0, 2.4], [0, 2.05], [width, 1.95], [width, 2.4]], isNight ? "#28323b" : "#789e60");
  pen.strokeStyle = isNight ? "#aab4c9" : "#6d8f5a";
  pen.lineWidth = 0.045;
  pen.lineCap = "round";
  for (const x of [-0.5, 0.5]) {
    pen.beginPath();
    pen.arc(width * 0.36 + x, 1.1, 0.2, 0.3, Math.PI - 0.3);
    pen.stroke();
  }
  pen.beginPath();
  pen.arc(width * 0.36, 1.15, 0.42, 0.75, Math.PI - 0.75);
  pen.stroke();
}

function water(pen, width, isNight) {
  pen.fillStyle = isNight ? "#33456b" : "#7fb2c4";
  pen.fillRect(0, 1.7, width, 0.7);
  for (let n = 0; n < 14; n++) oval(pen, (n * 0.61) % width, 1.78 + ((n * 0.17) % 0.55), 0.25, 0.012, "#ffffff40");
  const x = width * 0.56;
  paintPerson(pen, "ferrywoman", x + 1, 2.12, { dir: "left", emotion: "happy" });
  paintPerson(pen, "carrier", x + 1.8, 2.12, { dir: "left", emotion: "surprised" });
  hull(pen, x, 1.8);
}
