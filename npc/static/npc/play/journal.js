import { byId } from "../../chat/dom.js";
import { clockText, dayOf, isNight } from "./daylight.js";
import { stepsOf } from "./quests.js";
import { t } from "./strings.js";

const STAGES = 5;

/** What the player sees of the story: where and when, the next step, all steps, the bag, the coins, the songs. */
export class Journal {
  constructor(game) {
    this.game = game;
  }

  show() {
    const { story, here } = this.game;
    const { state } = story;
    byId("place-name").textContent = this.game.scene(here).name;
    byId("clock").textContent = t("clock", { day: dayOf(story.game_time), time: clockText(story.game_time) });
    document.body.classList.toggle("is-night", isNight(story.game_time));
    byId("coins").textContent = t("coins", { n: state.coins });
    this.#stages(state.stage);
    this.#steps(state);
    this.#bag(state);
  }

  #stages(stage) {
    byId("stage-name").textContent = t("chapter", { n: stage + 1, name: t(`stage_${stage}`) });
    const dots = Array.from({ length: STAGES }, (_, n) => {
      const dot = document.createElement("i");
      dot.className = n < stage ? "is-done" : n === stage ? "is-now" : "";
      return dot;
    });
    byId("stage-dots").replaceChildren(...dots);
  }

  #steps(state) {
    const steps = stepsOf(state);
    const next = steps.find((step) => !step.done);
    byId("next-step").textContent = next ? t(next.key, next.values) : t("quest_all_done");
    byId("steps").replaceChildren(...steps.map((step) => item(t(step.key, step.values), step.done ? "step is-done" : "step", step.done && t("done"))));
  }

  #bag(state) {
    const things = state.bag.map((thing) => item(t(`item_${thing}`), `thing thing--${thing}`));
    byId("bag").replaceChildren(...(things.length ? things : [item(t("bag_empty"), "thing thing--none")]));
    const verses = state.verses.map((verse) => item(t(`verse_${verse}`), "thing"));
    byId("verses").replaceChildren(...verses);
    byId("verses-block").hidden = !verses.length;
    const along = state.following.map((who) => item(this.game.character(who).name, "thing"));
    byId("along").replaceChildren(...along);
    byId("along-block").hidden = !along.length;
  }
}

function item(text, className, note = "") {
  const li = document.createElement("li");
  li.className = className;
  li.textContent = text;
  if (note) li.append(Object.assign(document.createElement("span"), { className: "visually-hidden", textContent: ` (${note})` }));
  return li;
}
