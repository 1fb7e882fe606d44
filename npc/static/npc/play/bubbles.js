/** Speech over heads, on the map. For eyes only: the announcer reads the same to screen readers. */

const LINGER_MS = 5200;
const PER_LETTER_MS = 45;

export class Bubbles {
  constructor(layer, stage, troupe) {
    Object.assign(this, { layer, stage, troupe, shown: new Map() });
  }

  /** Show what somebody says; `isWhole` lets it go after it could be read. */
  say(id, text, { isWhole = false, kind = "speech" } = {}) {
    const bubble = this.shown.get(id) ?? this.#make(id);
    bubble.element.className = `speech speech--${kind}`;
    bubble.element.textContent = text;
    bubble.until = isWhole ? performance.now() + LINGER_MS + text.length * PER_LETTER_MS : Infinity;
    this.place();
  }

  thinks(id) {
    this.say(id, "…", { kind: "thought" });
  }

  drop(id) {
    this.shown.get(id)?.element.remove();
    this.shown.delete(id);
  }

  clear() {
    for (const id of [...this.shown.keys()]) this.drop(id);
  }

  #make(id) {
    const element = document.createElement("p");
    element.dir = "auto";
    this.layer.append(element);
    const bubble = { element, until: Infinity };
    this.shown.set(id, bubble);
    return bubble;
  }

  /** Keep each over its speaker's head, and all of it on the map. */
  place() {
    const now = performance.now();
    for (const [id, { element, until }] of this.shown) {
      const actor = this.troupe.isAfloat ? this.troupe.focus : this.troupe.actors.get(id);
      if (!actor || until < now) {
        this.drop(id);
        continue;
      }
      const [x, y] = this.stage.pointOf(actor.x + 0.5, actor.y - (id === "cat" ? 0.05 : 0.55));
      const half = element.offsetWidth / 2;
      const left = Math.max(half + 6, Math.min(this.layer.clientWidth - half - 6, x));
      const top = Math.max(element.offsetHeight + 8, y);
      element.style.setProperty("--lean", `${Math.max(-half + 18, Math.min(half - 18, x - left))}px`);
      element.style.translate = `${left}px ${top}px`;
    }
  }
}
