import { arc, line, oval } from "./brush.js";

/**
 * What a face does for each emotion that the village knows: `brows` [inner, outer] heights (up is negative), `eyes`,
 * `mouth` and what comes with it.
 */
const FACES = {
  neutral: { brows: [0, 0], eyes: "open", mouth: "calm" },
  happy: { brows: [-0.02, -0.01], eyes: "smiling", mouth: "grin", blush: true },
  sad: { brows: [-0.05, 0.03], eyes: "open", mouth: "frown", tear: true },
  angry: { brows: [0.05, -0.03], eyes: "open", mouth: "frown" },
  afraid: { brows: [-0.06, 0.01], eyes: "wide", mouth: "wavy" },
  surprised: { brows: [-0.07, -0.06], eyes: "wide", mouth: "oh" },
  disgusted: { brows: [0.04, 0], eyes: "half", mouth: "wavy" },
  curious: { brows: [-0.06, 0.01], eyes: "wide", mouth: "smirk" },
  wistful: { brows: [-0.04, 0.01], eyes: "half", mouth: "calm", blush: true },
  proud: { brows: [-0.01, -0.04], eyes: "shut", mouth: "smirk", blush: true },
  sleepy: { brows: [0.01, 0.01], eyes: "shut", mouth: "calm" },
};

/** Eyes, brows and mouth on a head of radius `r` at x, y. `turn` is -1, 0 or 1: left, ahead, right. */
export function paintFace(pen, x, y, r, { emotion = "neutral", turn = 0, blink = false, talking = 0, ink = "#2f2530" }) {
  const face = FACES[emotion] ?? FACES.neutral;
  pen.save();
  pen.translate(x + turn * r * 0.3, y + r * 0.1);
  pen.scale(r / 0.3, r / 0.3);
  const spread = turn ? 0.095 : 0.115;
  for (const side of [-1, 1]) {
    eye(pen, side * spread, blink ? "shut" : face.eyes, ink);
    const [inner, outer] = face.brows;
    line(pen, [[side * (spread - 0.045), -0.1 + inner], [side * (spread + 0.05), -0.1 + outer]], 0.024, ink);
    if (face.blush) oval(pen, side * (spread + 0.06), 0.075, 0.045, 0.03, "#e07a6a66");
  }
  mouth(pen, talking ? "talk" : face.mouth, talking, ink);
  if (face.tear) oval(pen, 0.14, 0.09, 0.022, 0.04, "#7cc0e0");
  pen.restore();
}

function eye(pen, x, kind, ink) {
  if (kind === "shut") return arc(pen, x, -0.015, 0.035, 0.2, Math.PI - 0.2, 0.022, ink);
  if (kind === "smiling") return arc(pen, x, 0.02, 0.037, Math.PI + 0.2, -0.2, 0.024, ink);
  const [rx, ry] = kind === "wide" ? [0.038, 0.052] : kind === "half" ? [0.033, 0.022] : [0.03, 0.042];
  oval(pen, x, 0, rx, ry, ink);
  oval(pen, x + 0.011, -ry * 0.4, 0.011, 0.012, "#fff");
}

function mouth(pen, kind, talking, ink) {
  const y = 0.11;
  if (kind === "talk") return oval(pen, 0, y + 0.01, 0.035, 0.012 + 0.03 * talking, "#7d3b3b");
  if (kind === "grin") {
    pen.fillStyle = "#7d3b3b";
    pen.beginPath();
    pen.arc(0, y - 0.02, 0.06, 0.1, Math.PI - 0.1);
    return pen.fill();
  }
  if (kind === "oh") return oval(pen, 0, y + 0.01, 0.026, 0.034, "#7d3b3b");
  if (kind === "frown") return arc(pen, 0, y + 0.05, 0.05, Math.PI + 0.5, -0.5, 0.022, ink);
  if (kind === "wavy") return line(pen, [[-0.05, y], [-0.02, y + 0.02], [0.01, y], [0.05, y + 0.015]], 0.02, ink);
  if (kind === "smirk") return line(pen, [[-0.03, y + 0.01], [0.01, y + 0.015], [0.05, y - 0.015]], 0.022, ink);
  return arc(pen, 0, y - 0.03, 0.05, 0.5, Math.PI - 0.5, 0.022, ink);
}
