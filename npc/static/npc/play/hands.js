import { byId } from "../../chat/dom.js";

const KEYS = {
  ArrowUp: "up", KeyW: "up", ArrowDown: "down", KeyS: "down", ArrowLeft: "left", KeyA: "left", ArrowRight: "right", KeyD: "right",
};
const TALK = new Set(["Enter", "NumpadEnter", "Space", "KeyE"]);

/** Keyboard, mouse, finger and the pad on the screen, all of which walk and talk. */
export function startHands(play) {
  const { troupe, stage } = play;
  const map = byId("map");

  map.addEventListener("keydown", (event) => {
    if (event.target !== map || event.ctrlKey || event.metaKey || event.altKey) return;
    if (KEYS[event.code]) troupe.press(KEYS[event.code]);
    else if (TALK.has(event.code) && !event.repeat) play.talkToNearest();
    else if (event.code === "KeyP") play.designer.toggle();
    else if (event.code === "KeyJ") play.toggleJournal();
    else if (event.code === "KeyO") play.saves.open();
    else return;
    event.preventDefault();
  });
  addEventListener("keyup", (event) => KEYS[event.code] && troupe.release(KEYS[event.code]));
  addEventListener("blur", () => troupe.halt());
  map.addEventListener("blur", () => (troupe.held = []));

  map.addEventListener("pointerdown", (event) => {
    if (event.button || play.dialogue.isOpen && !event.target.closest("canvas")) return;
    play.leaveTalk();
    troupe.walkTo(...stage.tileAt(event.clientX, event.clientY));
  });

  for (const key of byId("pad").querySelectorAll("[data-walk]")) {
    key.addEventListener("pointerdown", (event) => {
      event.preventDefault();
      key.setPointerCapture(event.pointerId);
      troupe.press(key.dataset.walk);
    });
    for (const end of ["pointerup", "pointercancel"]) key.addEventListener(end, () => troupe.release(key.dataset.walk));
    // Of a keyboard or a screen reader: one step.
    key.addEventListener("click", (event) => {
      if (event.detail) return;
      troupe.press(key.dataset.walk);
      setTimeout(() => troupe.release(key.dataset.walk), 60);
    });
  }

  byId("designer").addEventListener("keydown", (event) => event.key === "Escape" && play.closeDesigner());
}
