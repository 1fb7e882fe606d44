/**
 * The colours that follow from a business's own: readable ones, whatever it chose. Contrast is WCAG's, 4.5 to 1 for text.
 */
const READABLE = 4.5;
const [LIGHT, DARK] = ["#ffffff", "#1b1e20"].map(channels);
const [WHITE, BLACK] = ["#ffffff", "#101314"].map(channels);
const STEPS = 20;

/** Values of custom properties by name; null for each where there is no colour to begin from. */
export function palette(colour) {
  const names = ["--accent", "--on-accent", "--tint", "--brand", "--on-brand"];
  if (!/^#[0-9a-f]{6}$/i.test(colour ?? "")) return Object.fromEntries(names.map((name) => [name, null]));
  const own = channels(colour);
  const [light, dark] = [tinted(own, LIGHT, 0.12), tinted(own, DARK, 0.22)];
  const onLight = readable(own, light, BLACK);
  const onDark = readable(own, dark, WHITE);
  const pair = (first, second) => `light-dark(${css(first)}, ${css(second)})`;
  const values = [pair(onLight, onDark), pair(inkOn(onLight), inkOn(onDark)), pair(light, dark), colour, css(inkOn(own))];
  return Object.fromEntries(names.map((name, at) => [name, values[at]]));
}

/** The colour, moved towards `goal` just as far as it must be to be read on `ground`. */
function readable(colour, ground, goal) {
  for (let step = 0; step < STEPS; step += 1) {
    const moved = tinted(goal, colour, step / STEPS);
    if (contrast(moved, ground) >= READABLE) return moved;
  }
  return goal;
}

const inkOn = (ground) => (contrast(WHITE, ground) >= contrast(BLACK, ground) ? WHITE : BLACK);
const tinted = (colour, ground, share) => ground.map((channel, at) => Math.round(channel + (colour[at] - channel) * share));
const css = (colour) => `rgb(${colour.join(" ")})`;

function channels(hex) {
  return [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));
}

function contrast(one, other) {
  const [darker, lighter] = [luminance(one), luminance(other)].sort((a, b) => a - b);
  return (lighter + 0.05) / (darker + 0.05);
}

function luminance(colour) {
  const [red, green, blue] = colour.map((channel) => {
    const share = channel / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}
