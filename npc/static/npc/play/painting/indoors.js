import { arc, chance, line, oval, rounded, shadow, shape } from "./brush.js";

const BOOKS = ["#8c4a4a", "#4f6f8c", "#6d8a5a", "#c19a4a", "#7a5b86", "#a3683f"];

/** What stands in rooms. Each painter gets its prop and what may move: `{ t, state, isDark, still }`. */
export const INDOORS = {
  window(pen, { x, y }, { isDark }) {
    rounded(pen, x - 0.1, y - 0.6, 2.2, 1.5, 0.1, "#8a6647");
    rounded(pen, x, y - 0.5, 2, 1.3, 0.06, isDark ? "#2c3658" : "#b4dbe6");
    if (isDark) for (let n = 0; n < 7; n++) oval(pen, x + 0.15 + chance(n, x) * 1.7, y - 0.4 + chance(x, n) * 1, 0.025, 0.025, "#fdf6d8");
    else rounded(pen, x, y + 0.45, 2, 0.35, [0.6, 0.2, 0.06, 0.06], "#9cc286");
    line(pen, [[x + 1, y - 0.5], [x + 1, y + 0.8]], 0.08, "#8a6647");
    line(pen, [[x, y + 0.1], [x + 2, y + 0.1]], 0.06, "#8a6647");
    for (const [dx, way] of [[-0.05, 1], [2.05, -1]]) shape(pen, [[x + dx, y - 0.55], [x + dx + 0.45 * way, y - 0.55], [x + dx + 0.15 * way, y + 0.85], [x + dx, y + 0.85]], "#c9836b");
  },
  oven(pen, { x, y }, { t, still }) {
    shadow(pen, x + 2, y + 2, 2.1, 0.25);
    rounded(pen, x + 0.1, y - 0.5, 3.8, 2.45, [0.9, 0.9, 0.05, 0.05], "#b98a6e");
    for (let n = 0; n < 22; n++) rounded(pen, x + 0.25 + (n % 6) * 0.6 + (Math.floor(n / 6) % 2) * 0.15, y - 0.25 + Math.floor(n / 6) * 0.5, 0.45, 0.18, 0.05, chance(n, 3) > 0.5 ? "#a97a5f" : "#c59a7e");
    rounded(pen, x + 1.1, y + 0.4, 1.8, 1.2, [0.8, 0.8, 0, 0], "#2f2320");
    const flicker = still ? 0 : Math.sin(t / 130) * 0.08 + Math.sin(t / 71) * 0.05;
    for (const [dx, r, colour] of [[1.6, 0.35, "#d9582b"], [2.3, 0.4, "#d9582b"], [2, 0.3, "#f2a33c"], [1.95, 0.16, "#ffe49a"]]) {
      shape(pen, [[x + dx - r * 0.8, y + 1.55], [x + dx, y + 1.5 - r * 1.6 - flicker], [x + dx + r * 0.8, y + 1.55]], colour);
    }
    rounded(pen, x + 0.85, y + 1.52, 2.3, 0.2, 0.05, "#8b6b57");
    rounded(pen, x + 1.5, y - 1.2, 1, 0.9, 0.05, "#a97a5f");
  },
  shelf(pen, { x, y, w, goods }) {
    rounded(pen, x, y - 1.5, w, 2.3, 0.05, "#7d5a3c");
    for (let shelf = 0; shelf < 3; shelf++) {
      const sy = y - 0.85 + shelf * 0.7;
      rounded(pen, x + 0.1, sy - 0.55, w - 0.2, 0.58, 0.03, "#5e4331");
      for (let n = 0; n < w * 5 - 1; n++) {
        const gx = x + 0.16 + n * 0.19;
        if (goods === "books") rounded(pen, gx, sy - 0.42 - chance(n, shelf) * 0.1, 0.15, 0.44 + chance(n, shelf) * 0.1, 0.02, BOOKS[Math.floor(chance(shelf, n) * 6)]);
        else if (n % 3 === 0 && gx < x + w - 0.4) loaf(pen, gx + 0.2, sy - 0.12, 0.24);
      }
    }
  },
  backdoor(pen, { x, y }, { isDark }) {
    rounded(pen, x - 0.1, y - 0.6, 1.2, 2.4, 0.05, "#6b4a33");
    rounded(pen, x, y - 0.5, 1, 2.3, 0.04, isDark ? "#27304d" : "#a8cf9a");
    shape(pen, [[x, y - 0.5], [x + 0.3, y - 0.3], [x + 0.3, y + 1.8], [x, y + 1.8]], "#8b5a34");
    for (const dx of [0.5, 0.78]) loaf(pen, x + dx, y + 1.72, 0.15);
  },
  counter(pen, { x, y, w }) {
    shadow(pen, x + w / 2, y + 0.95, w / 2, 0.15);
    rounded(pen, x, y + 0.1, w, 0.85, 0.06, "#8b5f3f");
    for (let n = 0; n < w; n++) rounded(pen, x + n + 0.12, y + 0.42, 0.76, 0.44, 0.04, "#7a5236");
    rounded(pen, x - 0.08, y, w + 0.16, 0.3, 0.08, "#b58358");
    for (let n = 0; n < 3; n++) loaf(pen, x + 0.55 + n * 0.5, y - 0.02, 0.24);
    oval(pen, x + 3.4, y + 0.1, 0.42, 0.12, "#e9e2d2");
    for (let n = 0; n < 3; n++) rounded(pen, x + 3.15 + n * 0.19, y - 0.14, 0.16, 0.18, 0.04, "#c98a3d");
    rounded(pen, x + 4.3, y - 0.25, 0.3, 0.35, 0.06, "#b8894a");
  },
  basket(pen, { x, y }) {
    shadow(pen, x + 0.5, y + 0.85, 0.55);
    oval(pen, x + 0.5, y + 0.7, 0.55, 0.28, "#8a6238");
    oval(pen, x + 0.5, y + 0.62, 0.48, 0.2, "#c98f8a");
    for (let n = 0; n < 7; n++) line(pen, [[x + 0.08 + n * 0.14, y + 0.76], [x + 0.1 + n * 0.135, y + 0.92]], 0.03, "#a87a49");
  },
  sacks(pen, { x, y }) {
    for (const dx of [0, 0.75]) {
      shadow(pen, x + dx + 0.5, y + 0.9, 0.42);
      rounded(pen, x + dx + 0.1, y + 0.1, 0.8, 0.8, 0.25, dx ? "#d9c9a8" : "#cdbb97");
      rounded(pen, x + dx + 0.32, y - 0.08, 0.36, 0.26, 0.1, "#c2af8a");
    }
  },
  trough(pen, { x, y }, { state }) {
    shadow(pen, x + 1, y + 0.92, 0.95, 0.12);
    oval(pen, x + 1, y + 0.35, 0.8, 0.16 + state.spring * 0.035, "#f3e7cf");
    rounded(pen, x + 0.1, y + 0.35, 1.8, 0.5, 0.1, "#a67c55");
    rounded(pen, x + 0.05, y + 0.3, 1.9, 0.14, 0.05, "#c0966c");
  },
  board(pen, { x, y }) {
    rounded(pen, x - 0.1, y - 0.7, 4.2, 1.7, 0.08, "#8a6647");
    rounded(pen, x, y - 0.6, 4, 1.5, 0.04, "#3d5a4c");
    for (const [n, width] of [1.6, 2.4, 1.1].entries()) line(pen, [[x + 0.3, y - 0.25 + n * 0.36], [x + 0.3 + width, y - 0.28 + n * 0.36]], 0.045, "#e8ece0aa");
    arc(pen, x + 3.3, y + 0.2, 0.32, 0, 7, 0.045, "#e8ece0aa");
    for (let n = 0; n < 3; n++) oval(pen, x + 3.18 + n * 0.12, y + 0.16 + (n % 2) * 0.1, 0.03, 0.03, "#e8ece0aa");
  },
  chest(pen, { x, y }, { state }) {
    const isLocked = state.locked.includes("chest");
    shadow(pen, x + 1, y + 0.92, 1, 0.15);
    rounded(pen, x + 0.1, y + 0.25, 1.8, 0.68, 0.06, "#7d5330");
    rounded(pen, x + 0.1, y + (isLocked ? 0.02 : -0.35), 1.8, 0.34, [0.15, 0.15, 0.03, 0.03], "#96663d");
    if (!isLocked) for (let n = 0; n < 4; n++) rounded(pen, x + 0.35 + n * 0.33, y + 0.06, 0.3, 0.26, 0.02, n % 2 ? "#f3ead2" : "#e5d7b5");
    for (const dx of [0.3, 1.6]) rounded(pen, x + dx, y + 0.25, 0.12, 0.68, 0.02, "#c9a356");
    rounded(pen, x + 0.88, y + 0.28, 0.24, 0.24, 0.04, "#d9b45a");
    if (isLocked) for (let n = 0; n < 3; n++) rounded(pen, x + 0.3 + n * 0.07, y - 0.1 - n * 0.13, 0.75, 0.12, 0.02, BOOKS[n]);
  },
  globe(pen, { x, y }) {
    shadow(pen, x + 0.5, y + 0.92, 0.3);
    line(pen, [[x + 0.5, y + 0.5], [x + 0.5, y + 0.85]], 0.07, "#7d5a3c");
    rounded(pen, x + 0.28, y + 0.82, 0.44, 0.1, 0.04, "#7d5a3c");
    oval(pen, x + 0.5, y + 0.25, 0.36, 0.36, "#6f9fb8");
    oval(pen, x + 0.4, y + 0.15, 0.15, 0.1, "#8fb573");
    oval(pen, x + 0.62, y + 0.36, 0.12, 0.14, "#8fb573");
    arc(pen, x + 0.5, y + 0.25, 0.4, -1.2, 1.9, 0.045, "#b8935a");
  },
  lectern(pen, { x, y }, { isDark, t, still }) {
    shadow(pen, x + 1, y + 0.92, 0.9, 0.14);
    rounded(pen, x + 0.1, y + 0.2, 1.8, 0.7, 0.06, "#8b5f3f");
    rounded(pen, x, y + 0.1, 2, 0.24, 0.06, "#ad7b52");
    shape(pen, [[x + 0.35, y + 0.16], [x + 0.8, y + 0.06], [x + 1.25, y + 0.16], [x + 0.8, y + 0.26]], "#f6efdc");
    rounded(pen, x + 1.5, y - 0.2, 0.16, 0.34, 0.04, "#d7cdb6");
    const flame = still ? 0 : Math.sin(t / 120) * 0.02;
    if (isDark) oval(pen, x + 1.58, y - 0.3 + flame, 0.06, 0.11, "#ffd27a");
  },
  desk(pen, { x, y }) {
    shadow(pen, x + 1, y + 0.92, 0.9, 0.12);
    for (const dx of [0.2, 1.66]) rounded(pen, x + dx, y + 0.4, 0.14, 0.5, 0.03, "#7a5236");
    rounded(pen, x + 0.08, y + 0.22, 1.84, 0.32, 0.07, "#b58358");
    if (chance(x, y) > 0.35) rounded(pen, x + 0.4, y + 0.24, 0.5, 0.18, 0.03, "#f3ead2");
    if (chance(y, x) > 0.5) rounded(pen, x + 1.2, y + 0.2, 0.3, 0.2, 0.03, BOOKS[Math.floor(chance(x, y, 4) * 6)]);
  },
  machine(pen, { x, y }, { t, still }) {
    shadow(pen, x + 0.5, y + 0.9, 0.42);
    rounded(pen, x + 0.1, y + 0.4, 0.8, 0.5, 0.05, "#9a7b52");
    const turn = still ? 0 : t / 900;
    for (const [dx, dy, r, way] of [[0.35, 0.32, 0.24, 1], [0.72, 0.2, 0.17, -1.4]]) {
      for (let n = 0; n < 8; n++) {
        const a = turn * way + (n * Math.PI) / 4;
        oval(pen, x + dx + Math.cos(a) * r, y + dy + Math.sin(a) * r, 0.05, 0.05, "#b7863b");
      }
      oval(pen, x + dx, y + dy, r * 0.95, r * 0.95, "#c99a4a");
      oval(pen, x + dx, y + dy, r * 0.4, r * 0.4, "#8a6430");
    }
    line(pen, [[x + 0.85, y + 0.6], [x + 0.95, y + 0.35]], 0.05, "#cc6b5a");
  },
};

function loaf(pen, x, y, r) {
  oval(pen, x, y, r, r * 0.55, "#c98a45");
  oval(pen, x, y - r * 0.12, r * 0.85, r * 0.38, "#dba55f");
  for (const dx of [-0.35, 0, 0.35]) line(pen, [[x + dx * r - r * 0.1, y - r * 0.25], [x + dx * r + r * 0.1, y + r * 0.05]], 0.02, "#f0d6a0");
}
