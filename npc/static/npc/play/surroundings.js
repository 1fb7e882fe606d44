import { byId, icon } from "../../chat/dom.js";
import { isNight } from "./daylight.js";
import { MAPS } from "./maps.js";
import { t } from "./strings.js";

/** Who is here and where one can go, as buttons: a way about the village without the map. */
export class Surroundings {
  constructor(game, troupe, on) {
    Object.assign(this, { game, troupe, on, nearest: null });
    byId("near-talk").addEventListener("click", () => this.on.talk(this.nearest));
  }

  show(nearest) {
    const { story, here, world } = this.game;
    const hadFocus = byId("around").contains(document.activeElement);
    const people = world.characters.filter((one) => story.scenes[one.id] === here);
    byId("people").replaceChildren(...people.map((one) => button(one.name, t("talk_to", { name: one.name }), "", () => this.on.talk(one.id))));
    const ways = MAPS[here].ways.map((way) => {
      const { name } = this.game.scene(way.to);
      return button(name, t("go_to", { name }), "walk", () => this.on.go(way));
    });
    const rest = t(isNight(story.game_time) ? "rest_morning" : "rest_night");
    byId("ways").replaceChildren(...ways, button(rest, rest, "moon", () => this.on.rest()));
    this.near(nearest);
    if (hadFocus) byId("map").focus(); // the button that was pressed is no more
  }

  /** Offer to talk to whoever is next to the player. */
  near(id) {
    this.nearest = id;
    byId("near-talk").hidden = !id;
    if (id) byId("near-name").textContent = t(matchMedia("(pointer: fine)").matches ? "press_to_talk" : "tap_to_talk", { name: this.game.character(id).name });
  }
}

function button(text, label, iconName, act) {
  const item = document.createElement("li");
  const pressed = document.createElement("button");
  pressed.type = "button";
  pressed.className = "chip";
  pressed.textContent = text;
  pressed.setAttribute("aria-label", label);
  if (iconName) pressed.prepend(icon(iconName));
  pressed.addEventListener("click", act);
  item.append(pressed);
  return item;
}
