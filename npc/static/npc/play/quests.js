/** What there is to do in each stage of the story, read from the state alone. */

const VERSES = [["kneading", "baker"], ["honey", "beekeeper"], ["rowing", "ferrywoman"], ["counting", "clockmaker"]];
const SINGERS_NEEDED = 4;

const wants = (state, who, item) => (state.wants[who] ?? []).includes(item);
const has = (state, item) => state.bag.includes(item);

/** The steps of the stage that the story is in: `{ key, done, values? }`, `key` as in the strings. */
export function stepsOf(state) {
  return STEPS[state.stage](state);
}

const STEPS = [
  () => [{ key: "quest_meet", done: false }, { key: "quest_well", done: false }],
  (state) => [
    { key: "quest_candle", done: has(state, "candle") || !wants(state, "teacher", "candle") },
    { key: "quest_light", done: !wants(state, "teacher", "candle") },
    { key: "quest_chest", done: !state.locked.includes("chest") },
  ],
  (state) => VERSES.map(([verse, who]) => ({ key: `quest_verse_${who}`, done: state.verses.includes(verse) })),
  (state) => [
    { key: "quest_letter", done: !wants(state, "bellkeeper", "letter") || !has(state, "letter") },
    { key: "quest_tower", done: !state.locked.includes("tower") },
    { key: "quest_promises", done: state.promised.length >= SINGERS_NEEDED, values: { n: state.promised.length, of: SINGERS_NEEDED } },
    { key: "quest_night", done: state.night },
    { key: "quest_bell", done: state.bell === "answered" },
  ],
  (state) => [
    { key: "quest_sung", done: true },
    { key: "quest_wish_cake", done: !wants(state, "baker", "honey") },
    { key: "quest_wish_fish", done: !wants(state, "cat", "fish") },
    { key: "quest_wish_wheel", done: !wants(state, "child", "cogwheel") },
  ],
];
