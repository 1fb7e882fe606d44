import { arc, chance, line, oval, rounded, shadow, shape } from "./brush.js";

const HIVES = ["#5b8fc7", "#e2b93b", "#cc6b5a", "#7fae5f", "#9a7bb8", "#e08f4f", "#e9e2d0"];
const LEAVES = ["#6f9e5a", "#5f8f4d", "#7aa963"];

/** What stands under the open sky. Each painter gets its prop and what may move: `{ t, state, hour, still }`. */
export const OUTDOORS = {
  tree(pen, { x, y }, { t }) {
    const sway = Math.sin(t / 1400 + x) * 0.03;
    shadow(pen, x + 0.5, y + 0.92, 0.5);
    rounded(pen, x + 0.4, y + 0.35, 0.2, 0.6, 0.06, "#7d5a3c");
    for (const [n, [dx, dy, r]] of [[0.5, 0.05, 0.52], [0.22, 0.25, 0.34], [0.8, 0.22, 0.36], [0.5, -0.32, 0.36]].entries()) {
      oval(pen, x + dx + sway * (1 - dy), y + dy, r, r * 0.92, LEAVES[(n + Math.abs(Math.floor(x))) % 3]);
    }
    oval(pen, x + 0.36 + sway, y - 0.28, 0.16, 0.1, "#ffffff22");
  },
  bush(pen, { x, y }) {
    shadow(pen, x + 0.5, y + 0.85, 0.45);
    for (const [dx, dy, r] of [[0.28, 0.62, 0.28], [0.72, 0.62, 0.28], [0.5, 0.45, 0.32]]) oval(pen, x + dx, y + dy, r, r * 0.85, LEAVES[1]);
    for (let n = 0; n < 4; n++) oval(pen, x + 0.25 + n * 0.17, y + 0.4 + chance(x, n) * 0.3, 0.05, 0.05, "#c8525a");
  },
  lamp(pen, { x, y }, { isDark }) {
    shadow(pen, x + 0.5, y + 0.9, 0.2);
    rounded(pen, x + 0.46, y - 0.15, 0.08, 1.05, 0.03, "#3f3a44");
    rounded(pen, x + 0.36, y - 0.5, 0.28, 0.36, 0.08, isDark ? "#ffd98a" : "#cfd6d4");
    shape(pen, [[x + 0.32, y - 0.48], [x + 0.5, y - 0.66], [x + 0.68, y - 0.48]], "#3f3a44");
  },
  schoolhouse(pen, { x, y }, scene) {
    house(pen, x, y, { roof: "#7b5a73", wall: "#efe3cb", door: "#4f7d86" }, scene);
    oval(pen, x + 2.5, y - 0.42, 0.22, 0.22, "#efe3cb");
    rounded(pen, x + 2.43, y - 0.55, 0.14, 0.22, 0.07, "#c79a3c");
  },
  bakery(pen, { x, y }, scene) {
    house(pen, x, y, { roof: "#b5573f", wall: "#f3e4c4", door: "#7d4f33" }, scene);
    rounded(pen, x + 4, y - 1.1, 0.42, 0.8, 0.05, "#a38b7a");
    if (!scene.still) for (let n = 0; n < 3; n++) puff(pen, x + 4.2, y - 1.2, scene.t / 2600 + n / 3);
    rounded(pen, x + 3.25, y + 0.72, 0.5, 0.34, 0.08, "#8b5a34");
    oval(pen, x + 3.5, y + 0.9, 0.17, 0.1, "#e7b56c");
  },
  tower(pen, { x, y }, { state, hour, isDark }) {
    shadow(pen, x + 1, y + 1.95, 1.2, 0.25);
    rounded(pen, x + 0.1, y - 1.9, 1.8, 3.85, 0.08, "#c9bfae");
    for (let n = 0; n < 18; n++) rounded(pen, x + 0.2 + (n % 3) * 0.57 + (n % 2) * 0.1, y - 1.7 + Math.floor(n / 3) * 0.62, 0.4, 0.2, 0.06, "#bcb19e");
    shape(pen, [[x - 0.15, y - 1.8], [x + 1, y - 2.95], [x + 2.15, y - 1.8]], "#6d5a78");
    rounded(pen, x + 0.55, y - 1.75, 0.9, 0.7, 0.3, "#4b4152");
    bell(pen, x + 1, y - 1.55, state.bell === "resting");
    clock(pen, x + 1, y - 0.3, hour, state.stage >= 4);
    const isLocked = state.locked.includes("tower");
    rounded(pen, x + 0.65, y + 0.95, 0.7, 1, [0.35, 0.35, 0, 0], isLocked ? "#6b4a33" : isDark ? "#ffd98a" : "#3a2c26");
    if (isLocked) oval(pen, x + 1.18, y + 1.5, 0.06, 0.06, "#d9b45a");
  },
  ladder(pen, { x, y }) {
    for (const dx of [0.2, 0.6]) line(pen, [[x + dx - 0.35, y - 1.9], [x + dx, y + 0.9]], 0.07, "#9a6f45");
    for (let n = 0; n < 7; n++) line(pen, [[x - 0.1 + n * 0.05, y - 1.55 + n * 0.38], [x + 0.28 + n * 0.05, y - 1.55 + n * 0.38]], 0.06, "#b58a5c");
  },
  bench(pen, { x, y }) {
    shadow(pen, x + 1, y + 0.92, 0.95, 0.14);
    for (const dx of [0.12, 1.72]) rounded(pen, x + dx, y + 0.5, 0.14, 0.42, 0.03, "#5e4331");
    for (const dy of [0.12, 0.3]) rounded(pen, x + 0.05, y + dy, 1.9, 0.13, 0.05, "#9a6b46");
    rounded(pen, x, y + 0.48, 2, 0.2, 0.06, "#ad7b52");
  },
  basin(pen, { x, y }, { t, state, still }) {
    shadow(pen, x + 1, y + 1.75, 1.15, 0.3);
    oval(pen, x + 1, y + 1.25, 1.12, 0.68, "#8f8577");
    oval(pen, x + 1, y + 1.08, 1.12, 0.68, "#bdb2a0");
    oval(pen, x + 1, y + 1.08, 0.9, 0.5, "#6b6359");
    const full = 0.35 + state.spring * 0.055;
    oval(pen, x + 1, y + 1.2 - full * 0.12, 0.86 * Math.min(1, full + 0.25), 0.46 * Math.min(1, full + 0.25), "#63a4bd");
    const beat = still ? 0.5 : (t / 900) % 1;
    for (const phase of [beat, (beat + 0.5) % 1]) {
      pen.globalAlpha = 1 - phase;
      pen.strokeStyle = "#d9f0f2";
      pen.lineWidth = 0.03;
      pen.beginPath();
      pen.ellipse(x + 1, y + 1.12, 0.12 + phase * 0.5, 0.06 + phase * 0.26, 0, 0, 7);
      pen.stroke();
    }
    pen.globalAlpha = 1;
    rounded(pen, x + 0.86, y + 0.25, 0.28, 0.82, 0.1, "#a89d8b");
    oval(pen, x + 1, y + 0.24, 0.26, 0.16, "#bdb2a0");
    const jet = 0.1 + state.spring * 0.035;
    for (const side of [-1, 1]) {
      pen.strokeStyle = "#bfe3ea";
      pen.lineWidth = 0.02 + state.spring * 0.012;
      pen.beginPath();
      pen.moveTo(x + 1, y + 0.2);
      pen.quadraticCurveTo(x + 1 + side * jet, y + 0.1 - jet, x + 1 + side * jet * 1.5, y + 1.05);
      pen.stroke();
    }
  },
  hive(pen, { x, y, hue }, { t, still, isDark }) {
    shadow(pen, x + 0.5, y + 0.9, 0.36);
    for (let n = 0; n < 3; n++) rounded(pen, x + 0.18 + n * 0.02, y + 0.62 - n * 0.22, 0.64 - n * 0.04, 0.22, 0.05, HIVES[hue]);
    rounded(pen, x + 0.12, y + 0.06, 0.76, 0.15, 0.05, "#6f5847");
    rounded(pen, x + 0.36, y + 0.7, 0.28, 0.07, 0.03, "#3b2f28");
    for (const dx of [0.2, 0.72]) rounded(pen, x + dx, y + 0.82, 0.08, 0.12, 0.02, "#5e4331");
    if (isDark || still) return;
    for (let n = 0; n < 2; n++) {
      const a = t / (500 + hue * 40) + n * 3 + hue;
      oval(pen, x + 0.5 + Math.cos(a) * 0.45, y + 0.35 + Math.sin(a * 1.7) * 0.3, 0.035, 0.03, "#e8b62f");
    }
  },
  reeds(pen, { x, y }, { t, still }) {
    for (let n = 0; n < 6; n++) {
      const rx = x + 0.1 + n * 0.15;
      const lean = (still ? 0 : Math.sin(t / 900 + n + x)) * 0.06;
      line(pen, [[rx, y + 0.9], [rx + lean, y + 0.15 + chance(x, n) * 0.3]], 0.04, "#6d8f55");
      if (n % 2) oval(pen, rx + lean, y + 0.2 + chance(x, n) * 0.3, 0.045, 0.13, "#8a5f3d");
    }
  },
  nets(pen, { x, y }) {
    shadow(pen, x + 1, y + 0.8, 0.9, 0.14);
    for (const dx of [0.1, 1.8]) rounded(pen, x + dx, y - 0.1, 0.1, 0.95, 0.03, "#7d5a3c");
    for (let n = 0; n < 7; n++) line(pen, [[x + 0.15 + n * 0.27, y + 0.02], [x + 0.3 + n * 0.24, y + 0.6]], 0.025, "#dcd3bd");
    for (let n = 0; n < 3; n++) arc(pen, x + 1, y - 0.5 + n * 0.2, 1, 0.5, Math.PI - 0.5, 0.025, "#dcd3bd");
  },
  boat(pen, { x, y }, { t, still, state, isAway }) {
    if (isAway) return;
    const floats = state.spring >= 8;
    const bob = still || !floats ? 0 : Math.sin(t / 700) * 0.04;
    hull(pen, x, y + bob + (floats ? 0.35 : -0.1));
  },
};

export function hull(pen, x, y) {
  oval(pen, x + 1.4, y + 0.62, 1.45, 0.2, "#2b4a5a33");
  pen.fillStyle = "#4f7f58";
  pen.beginPath();
  pen.moveTo(x, y);
  pen.quadraticCurveTo(x + 0.2, y + 0.7, x + 0.8, y + 0.7);
  pen.lineTo(x + 2.1, y + 0.7);
  pen.quadraticCurveTo(x + 2.7, y + 0.7, x + 2.85, y - 0.05);
  pen.quadraticCurveTo(x + 1.4, y + 0.3, x, y);
  pen.fill();
  line(pen, [[x + 0.02, y + 0.02], [x + 0.7, y + 0.2], [x + 2.1, y + 0.2], [x + 2.83, y - 0.03]], 0.09, "#6fa077");
  rounded(pen, x + 0.95, y + 0.16, 0.9, 0.12, 0.04, "#b58a5c");
  line(pen, [[x + 0.4, y - 0.35], [x + 2.2, y + 0.42]], 0.06, "#a67c55");
  oval(pen, x + 0.32, y - 0.39, 0.16, 0.08, "#a67c55");
}

function house(pen, x, y, { roof, wall, door }, { isDark, t, still }) {
  rounded(pen, x + 0.2, y + 0.4, 4.6, 1.58, 0.04, wall);
  for (const dx of [0.2, 1.9, 3, 4.68]) rounded(pen, x + dx, y + 0.45, 0.12, 1.52, 0.02, "#8a6647");
  rounded(pen, x + 0.2, y + 1.85, 4.6, 0.14, 0.02, "#a59a86");
  shape(pen, [[x - 0.1, y + 0.62], [x + 0.7, y - 0.72], [x + 4.3, y - 0.72], [x + 5.1, y + 0.62]], roof);
  for (let n = 0; n < 3; n++) line(pen, [[x + 0.5 - n * 0.2, y - 0.4 + n * 0.36], [x + 4.5 + n * 0.2, y - 0.4 + n * 0.36]], 0.04, "#0000001c");
  rounded(pen, x + 2.1, y + 0.85, 0.82, 1.15, [0.38, 0.38, 0, 0], "#8a6647");
  rounded(pen, x + 2.18, y + 0.94, 0.66, 1.06, [0.32, 0.32, 0, 0], door);
  oval(pen, x + 2.7, y + 1.5, 0.05, 0.05, "#e2c063");
  const glow = isDark ? (still ? "#ffd27a" : `hsl(40 100% ${72 + Math.sin(t / 300 + x) * 3}%)`) : "#a9cdd6";
  for (const dx of [0.65, 3.4]) pane(pen, x + dx, y + 0.98, glow);
}

function pane(pen, x, y, glow) {
  rounded(pen, x - 0.06, y - 0.06, 0.92, 0.72, 0.05, "#8a6647");
  rounded(pen, x, y, 0.8, 0.6, 0.03, glow);
  line(pen, [[x + 0.4, y], [x + 0.4, y + 0.6]], 0.05, "#8a6647");
  line(pen, [[x, y + 0.3], [x + 0.8, y + 0.3]], 0.05, "#8a6647");
  rounded(pen, x - 0.1, y + 0.64, 1, 0.13, 0.04, "#a06b4a");
  for (let n = 0; n < 4; n++) oval(pen, x + 0.1 + n * 0.2, y + 0.64, 0.08, 0.08, n % 2 ? "#d98fa6" : "#e7c36a");
}

function puff(pen, x, y, phase) {
  const p = phase % 1;
  oval(pen, x + Math.sin(p * 4) * 0.15 + p * 0.25, y - p * 1.1, 0.12 + p * 0.18, 0.1 + p * 0.15, `rgb(245 240 232 / ${0.55 * (1 - p)})`);
}

function bell(pen, x, y, isResting) {
  const lean = isResting ? 0 : 0.06;
  shape(pen, [[x - 0.12 + lean, y], [x + 0.12 + lean, y], [x + 0.24, y + 0.34], [x - 0.24, y + 0.34]], "#c99a3d");
  oval(pen, x, y + 0.37, 0.06, 0.06, "#7c5a20");
}

function clock(pen, x, y, hour, hasThirteen) {
  oval(pen, x, y, 0.52, 0.52, "#6d5a78");
  oval(pen, x, y, 0.44, 0.44, "#f6efdc");
  for (let n = 0; n < 12; n++) oval(pen, x + Math.sin((n * Math.PI) / 6) * 0.36, y - Math.cos((n * Math.PI) / 6) * 0.36, 0.025, 0.025, "#4b4152");
  const hand = (turns, length, width) => line(pen, [[x, y], [x + Math.sin(turns * 2 * Math.PI) * length, y - Math.cos(turns * 2 * Math.PI) * length]], width, "#3a3044");
  hand((hour % 12) / 12, 0.2, 0.06);
  hand(hour % 1, 0.31, 0.04);
  if (!hasThirteen) return;
  pen.fillStyle = "#c9962d";
  pen.font = "bold 0.2px serif";
  pen.textAlign = "center";
  pen.fillText("13", x + 0.02, y - 0.5);
}
