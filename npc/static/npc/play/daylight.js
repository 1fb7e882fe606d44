/** The hours of the village: game time counts them from the carrier's arrival at eight in the morning. */

const ARRIVAL = 8;
// The colour that daylight multiplies the scene with, by hour.
const LIGHT = [
  [0, [100, 110, 166]], [4.5, [104, 114, 168]], [6.2, [236, 190, 178]], [8, [255, 248, 235]], [12, [255, 255, 252]],
  [16, [255, 246, 228]], [17.6, [255, 202, 152]], [18.6, [176, 140, 176]], [20, [108, 116, 170]], [24, [100, 110, 166]],
];

export const hourOf = (gameTime) => (ARRIVAL + gameTime) % 24;
export const dayOf = (gameTime) => Math.floor((ARRIVAL + gameTime) / 24) + 1;
export const isNight = (gameTime) => hourOf(gameTime) < 6 || hourOf(gameTime) >= 18;

/** A CSS colour. Rooms keep some of their warmth at night. */
export function lightAt(hour, isOutdoors) {
  const after = LIGHT.findIndex(([at]) => at >= hour);
  const [[from, first], [to, last]] = [LIGHT[Math.max(0, after - 1)], LIGHT[after]];
  const share = to > from ? (hour - from) / (to - from) : 0;
  const mixed = first.map((part, n) => part + (last[n] - part) * share);
  const inside = [255, 236, 212];
  return `rgb(${mixed.map((part, n) => Math.round(isOutdoors ? part : part * 0.55 + inside[n] * 0.45)).join(" ")})`;
}

/** How much lamps shine, from 0 at noon to 1 at night. */
export function glowAt(hour) {
  const fromNoon = Math.abs(hour - 12.2);
  return Math.max(0, Math.min(1, (fromNoon - 5) / 1.5));
}

export function clockText(gameTime) {
  const minutes = Math.round(hourOf(gameTime) * 60) % (24 * 60);
  return `${String(Math.floor(minutes / 60)).padStart(2, "0")}:${String(minutes % 60).padStart(2, "0")}`;
}
