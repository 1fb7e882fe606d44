import { arc, line, oval, rounded, shadow, shape } from "./brush.js";
import { paintFace } from "./faces.js";

/** How everybody looks. `size` 1 is a grown-up; `hat` and `extra` are painters below. */
const LOOKS = {
  carrier: { skin: "#f0c7a0", hair: "#6b4630", coat: "#3f6f8f", trim: "#e2b93b", legs: "#3b3f52", hat: "cap", extra: "satchel", size: 0.96 },
  bellkeeper: { skin: "#efc4a3", hair: "#d9d5d0", coat: "#8f5b6e", trim: "#e9dcc5", legs: "#5a4652", hat: "bun", extra: "knitting", size: 0.97 },
  clockmaker: { skin: "#e9bb95", hair: "#54463f", coat: "#4a4d63", trim: "#c9a356", legs: "#34364a", hat: "bald", extra: "buttons", size: 1.06 },
  baker: { skin: "#f3c3a0", hair: "#a5673f", coat: "#f4eee0", trim: "#d9805f", legs: "#7c5b48", hat: "toque", extra: "apron", size: 1.04, wide: 1.28 },
  teacher: { skin: "#d9a47c", hair: "#3b2a2a", coat: "#4f7d6e", trim: "#f1e6cf", legs: "#2f4a42", hat: "long", extra: "glasses", size: 1 },
  child: { skin: "#f2c8a2", hair: "#c8743a", coat: "#e3a13f", trim: "#6d9bb5", legs: "#5b7c4a", hat: "tousle", extra: "patch", size: 0.76 },
  ferrywoman: { skin: "#c98d65", hair: "#2e2626", coat: "#2f5d7c", trim: "#e8e2d2", legs: "#37404d", hat: "sailor", extra: "stripes", size: 1.04, wide: 1.15 },
  beekeeper: { skin: "#e3b48c", hair: "#8a6a45", coat: "#d8cfae", trim: "#8fae6b", legs: "#7a745e", hat: "straw", extra: "none", size: 1.1 },
};

/**
 * Paint somebody with the feet at x, y. `pose`: { dir: "up"|"down"|"left"|"right", step: 0…1 while walking, emotion,
 * blink, talking: 0…1, sits }.
 */
export function paintPerson(pen, who, x, y, pose) {
  if (who === "cat") return paintCat(pen, x, y, pose);
  const look = LOOKS[who] ?? LOOKS.carrier;
  pen.save();
  pen.translate(x, y);
  shadow(pen, 0, 0, 0.3 * look.size * (look.wide ?? 1));
  pen.scale(look.size, look.size);
  const stride = pose.step === undefined ? 0 : Math.sin(pose.step * Math.PI * 2);
  const bob = pose.step === undefined ? (pose.breath ?? 0) * 0.012 : -Math.abs(stride) * 0.045;
  legs(pen, look, stride, pose);
  pen.translate(0, bob);
  if (pose.dir !== "up") HATS[look.hat].behind?.(pen, look);
  body(pen, look, stride, pose);
  head(pen, look, pose);
  pen.restore();
}

/** The face alone, for the frame beside what somebody says: head and shoulders around the middle of a unit square. */
export function paintPortrait(pen, who, pose) {
  pen.save();
  if (who === "cat") {
    pen.translate(0.44, 1.3);
    pen.scale(1.75, 1.75);
    paintCat(pen, 0, 0, { ...pose, dir: "down", awake: true });
  } else {
    const look = LOOKS[who] ?? LOOKS.carrier;
    pen.translate(0.5, 1.72);
    pen.scale(1.25, 1.25);
    HATS[look.hat].behind?.(pen, look);
    body(pen, look, 0, { dir: "down" });
    head(pen, look, { ...pose, dir: "down" });
  }
  pen.restore();
}

function legs(pen, look, stride, { dir, sits }) {
  const side = dir === "left" || dir === "right";
  for (const leg of [-1, 1]) {
    const swing = stride * leg;
    const dx = side ? swing * 0.1 : leg * 0.09;
    const lift = side ? 0 : Math.max(0, swing) * 0.07;
    const length = sits ? 0.14 : 0.24;
    rounded(pen, dx - 0.065, -length - lift, 0.13, length, 0.05, look.legs);
    oval(pen, dx + (side ? (dir === "left" ? -0.03 : 0.03) : 0), -0.02 - lift, 0.09, 0.05, "#3a2c26");
  }
}

function body(pen, look, stride, { dir }) {
  const wide = look.wide ?? 1;
  const w = 0.23 * wide;
  const arm = (side) => {
    const swing = stride * side * 0.07;
    line(pen, [[side * (w - 0.01), -0.56], [side * (w + 0.05), -0.34 + swing]], 0.12, shade(look.coat));
    oval(pen, side * (w + 0.055), -0.29 + swing, 0.06, 0.06, look.skin);
  };
  if (dir !== "right") arm(-1);
  if (dir !== "left") arm(1);
  shape(pen, [[-w * 0.82, -0.66], [w * 0.82, -0.66], [w * 1.12, -0.16], [-w * 1.12, -0.16]], look.coat);
  rounded(pen, -w * 1.1, -0.26, w * 2.2, 0.13, 0.06, look.coat);
  rounded(pen, -w * 0.8, -0.7, w * 1.6, 0.14, 0.07, look.trim);
  if (dir !== "up") EXTRAS[look.extra]?.(pen, look, w, dir);
  else if (look.extra === "satchel") rounded(pen, -0.17, -0.45, 0.34, 0.27, 0.05, "#a9713f");
}

function head(pen, look, pose) {
  const { dir } = pose;
  const turn = dir === "left" ? -1 : dir === "right" ? 1 : 0;
  oval(pen, 0, -0.93, 0.3, 0.29, dir === "up" ? look.hair : look.skin);
  if (dir === "up") {
    HATS[look.hat].front(pen, look, 0, true);
    return;
  }
  for (const side of [-1, 1]) if (side !== turn) oval(pen, side * 0.29, -0.9, 0.05, 0.06, look.skin);
  HATS[look.hat].front(pen, look, turn, false);
  paintFace(pen, 0, -0.9, 0.3, { ...pose, turn });
  if (look.extra === "glasses") for (const side of [-1, 1]) arc(pen, turn * 0.09 + side * 0.115, -0.87, 0.075, 0, 7, 0.018, "#8a6a3a");
  if (look.hat === "bald") {
    line(pen, [[turn * 0.09 - 0.1, -0.775], [turn * 0.09, -0.8], [turn * 0.09 + 0.1, -0.775]], 0.045, look.hair);
  }
}

const fringe = (pen, look, turn, from = -0.98) => {
  pen.fillStyle = look.hair;
  pen.beginPath();
  pen.ellipse(0, -0.94, 0.315, 0.31, 0, Math.PI * 1.02, Math.PI * 1.98);
  pen.quadraticCurveTo(0.12 + turn * 0.12, from - 0.06, turn * 0.16, from - 0.1);
  pen.quadraticCurveTo(-0.12 + turn * 0.12, from - 0.12, -0.31, from + 0.02);
  pen.fill();
};

const HATS = {
  cap: {
    front(pen, look, turn, isBack) {
      if (!isBack) fringe(pen, look, turn, -0.94);
      rounded(pen, -0.31, -1.27, 0.62, 0.25, [0.2, 0.2, 0.04, 0.04], look.coat);
      rounded(pen, -0.31, -1.08, 0.62, 0.07, 0.03, look.trim);
      if (!isBack) oval(pen, turn * 0.16, -1.02, 0.26, 0.055, shade(look.coat));
      if (!isBack) oval(pen, turn * 0.12, -1.17, 0.05, 0.05, look.trim);
    },
  },
  bun: {
    behind: (pen, look) => oval(pen, 0, -1.25, 0.15, 0.13, look.hair),
    front(pen, look, turn, isBack) {
      if (isBack) oval(pen, 0, -1.25, 0.15, 0.13, look.hair);
      else fringe(pen, look, turn, -1);
      line(pen, [[-0.16, -1.36], [0.17, -1.14]], 0.03, "#a67c55");
    },
  },
  bald: {
    front(pen, look, turn, isBack) {
      for (const side of [-1, 1]) if (isBack || side !== turn) oval(pen, side * 0.26, -0.92, 0.08, 0.13, look.hair);
      if (isBack) oval(pen, 0, -1.08, 0.2, 0.14, look.skin);
      arc(pen, 0.05, -1.05, 0.1, -2.2, -1.2, 0.03, "#ffffff66");
    },
  },
  toque: {
    front(pen, look, turn, isBack) {
      if (!isBack) fringe(pen, look, turn, -1.02);
      for (const dx of [-0.18, 0.18, 0]) oval(pen, dx, -1.36, 0.18, 0.15, "#fbf7ec");
      rounded(pen, -0.25, -1.32, 0.5, 0.22, 0.04, "#f1ead9");
    },
  },
  long: {
    behind: (pen, look) => rounded(pen, -0.34, -1.1, 0.68, 0.6, 0.2, look.hair),
    front(pen, look, turn, isBack) {
      if (isBack) rounded(pen, -0.31, -1.1, 0.62, 0.52, 0.18, look.hair);
      else fringe(pen, look, turn, -0.97);
      if (!isBack) line(pen, [[0.2, -1.12], [0.36, -1.25]], 0.03, "#e9dfc6");
    },
  },
  tousle: {
    front(pen, look, turn, isBack) {
      if (!isBack) fringe(pen, look, turn, -0.94);
      for (const [dx, dy] of [[-0.22, -1.2], [-0.06, -1.28], [0.1, -1.25], [0.24, -1.16]]) shape(pen, [[dx - 0.09, dy + 0.1], [dx + 0.03, dy - 0.09], [dx + 0.1, dy + 0.1]], look.hair);
    },
  },
  sailor: {
    behind: (pen, look) => oval(pen, 0, -0.85, 0.36, 0.27, look.hair),
    front(pen, look, turn, isBack) {
      if (!isBack) fringe(pen, look, turn, -1);
      rounded(pen, -0.26, -1.3, 0.52, 0.16, [0.14, 0.14, 0, 0], "#f4efe2");
      rounded(pen, -0.3, -1.17, 0.6, 0.09, 0.04, look.coat);
    },
  },
  straw: {
    front(pen, look, turn, isBack) {
      if (!isBack) fringe(pen, look, turn, -0.96);
      oval(pen, 0, -1.1, 0.46, 0.11, "#d9b66a");
      rounded(pen, -0.22, -1.34, 0.44, 0.26, [0.18, 0.18, 0.02, 0.02], "#e3c27c");
      rounded(pen, -0.22, -1.16, 0.44, 0.06, 0.02, look.trim);
    },
  },
};

const EXTRAS = {
  satchel(pen, look, w, dir) {
    line(pen, [[-w * 0.7, -0.66], [w * 0.9, -0.3]], 0.05, "#7d5330");
    const x = dir === "left" ? -0.3 : 0.06;
    rounded(pen, x, -0.4, 0.27, 0.22, 0.05, "#a9713f");
    rounded(pen, x, -0.4, 0.27, 0.1, 0.05, "#8f5d33");
  },
  knitting(pen) {
    oval(pen, 0.02, -0.32, 0.12, 0.08, "#e2a93f");
    line(pen, [[-0.12, -0.42], [0.06, -0.28]], 0.02, "#e9e2d2");
    line(pen, [[0.16, -0.44], [0, -0.28]], 0.02, "#e9e2d2");
  },
  buttons(pen, look) {
    for (const [n, dy] of [-0.52, -0.42, -0.32].entries()) if (n !== 1) oval(pen, 0, dy, 0.025, 0.025, look.trim);
    line(pen, [[0, -0.66], [0, -0.2]], 0.015, "#2b2d3f");
  },
  apron(pen, look, w) {
    rounded(pen, -w * 0.75, -0.5, w * 1.5, 0.36, 0.06, "#fffaf0");
    line(pen, [[-w, -0.42], [w, -0.42]], 0.03, look.trim);
    rounded(pen, -0.08, -0.34, 0.16, 0.12, 0.03, "#efe4cf");
  },
  patch: (pen) => rounded(pen, -0.02, -0.34, 0.15, 0.14, 0.03, "#6d9bb5"),
  stripes(pen, look, w) {
    for (const dy of [-0.5, -0.4, -0.3]) line(pen, [[-w * 0.6, dy], [w * 0.6, dy]], 0.035, look.trim);
  },
};

function paintCat(pen, x, y, pose) {
  const fur = "#8d8f98";
  const dark = "#6f717b";
  pen.save();
  pen.translate(x, y);
  const wag = Math.sin((pose.t ?? 0) / 600) * 0.08;
  shadow(pen, 0, 0, 0.28);
  const sleeps = !pose.awake && pose.step === undefined && !pose.talking;
  const stride = pose.step === undefined ? 0 : Math.sin(pose.step * Math.PI * 2) * 0.04;
  pen.strokeStyle = dark;
  pen.lineWidth = 0.09;
  pen.lineCap = "round";
  pen.beginPath();
  pen.moveTo(0.22, -0.12);
  pen.quadraticCurveTo(0.46, -0.1, 0.38 + wag, sleeps ? -0.12 : -0.42);
  pen.stroke();
  oval(pen, 0.02, -0.2 + Math.abs(stride) * -0.5, 0.29, 0.2, fur);
  for (const dx of [-0.12, 0.12]) oval(pen, dx + stride * Math.sign(dx), -0.03, 0.07, 0.045, "#c9cad0");
  const hy = sleeps ? -0.3 : -0.46;
  for (const side of [-1, 1]) shape(pen, [[-0.06 + side * 0.05, hy - 0.14], [-0.06 + side * 0.2, hy - 0.29], [-0.06 + side * 0.21, hy - 0.06]], dark);
  oval(pen, -0.06, hy, 0.22, 0.18, fur);
  oval(pen, -0.06, hy + 0.07, 0.1, 0.07, "#dcdde0");
  for (const dx of [-0.1, 0, 0.1]) line(pen, [[-0.06 + dx * 0.7, hy - 0.17], [-0.06 + dx, hy - 0.1]], 0.025, dark);
  if (pose.dir !== "up") catFace(pen, hy, pose, sleeps);
  pen.restore();
}

function catFace(pen, y, pose, sleeps) {
  const isShut = sleeps || pose.blink || ["happy", "sleepy", "proud"].includes(pose.emotion);
  for (const dx of [-0.15, 0.03]) {
    if (isShut) arc(pen, dx, y - 0.02, 0.035, 0.2, Math.PI - 0.2, 0.022, "#2f2530");
    else {
      oval(pen, dx, y - 0.02, 0.042, pose.emotion === "surprised" ? 0.055 : 0.042, "#d9c24f");
      oval(pen, dx, y - 0.02, 0.014, 0.038, "#26202a");
    }
  }
  shape(pen, [[-0.085, y + 0.035], [-0.035, y + 0.035], [-0.06, y + 0.06]], "#c98482");
  if (pose.talking) oval(pen, -0.06, y + 0.095, 0.03, 0.01 + 0.025 * pose.talking, "#7d3b3b");
  else for (const side of [-1, 1]) arc(pen, -0.06 + side * 0.03, y + 0.07, 0.03, 0.2, Math.PI - 0.2, 0.014, "#4a4450");
  for (const side of [-1, 1]) for (const dy of [0.05, 0.085]) line(pen, [[-0.06 + side * 0.1, y + dy], [-0.06 + side * 0.25, y + dy - 0.02]], 0.01, "#efeff2aa");
}

function shade(hex) {
  const parts = [1, 3, 5].map((at) => Math.round(parseInt(hex.slice(at, at + 2), 16) * 0.84));
  return `rgb(${parts.join(" ")})`;
}
