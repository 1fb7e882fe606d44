import { MARGIN, WIDTH, HEIGHT } from "../maps.js";
import { arc, chance, line, oval, rounded } from "./brush.js";

const COLOURS = {
  grass: ["#8fb573", "#8db371", "#91b775"], cobble: ["#c9bda5", "#c9bda5", "#c9bda5"], path: ["#d8bf95", "#d6bd92", "#dac298"],
  sand: ["#e6d3a6", "#e5d2a4", "#e8d5a9"], water: ["#6ea6bd", "#6da5bc", "#6fa7be"], jetty: ["#a67c55", "#a67c55", "#a67c55"],
  planks: ["#c49a6c", "#c2986a", "#c69c6f"], tiles: ["#dccbb0", "#d6c4a7", "#dfcfb6"], wall: ["#e7dbc4", "#e7dbc4", "#e7dbc4"],
};
const STONES = ["#b9ac94", "#c2b59d", "#d2c7b1", "#bdb19b"];
const PETALS = ["#f2efe4", "#f3cf62", "#d98fa6", "#9c93cf", "#e58a5c"];

/** The floor of a scene, which hardly changes: drawn once and kept. */
export function paintGround(pen, map) {
  for (const [kind, x, y, w, h] of map.ground.map((rect) => (map.outdoors ? widened(rect) : rect))) {
    for (let ty = y; ty < y + h; ty++) for (let tx = x; tx < x + w; tx++) paintTile(pen, kind, tx, ty);
    if (kind === "wall") skirting(pen, x, y, w, h);
    if (kind === "cobble") ragged(pen, x, y, w, h);
    if (kind === "water") foam(pen, x, y, w);
    if (kind === "sand") tufts(pen, x, y, w);
  }
  for (const [n, [x, y]] of (map.flowers ?? []).entries()) flowers(pen, x, y, n);
  if (!map.outdoors) threshold(pen, map);
}

/** What reaches an edge of the map goes on behind it. */
function widened([kind, x, y, w, h]) {
  const [left, right] = [x === 0 ? MARGIN : 0, x + w === WIDTH ? MARGIN : 0];
  const [above, below] = [y === 0 ? MARGIN : 0, y + h === HEIGHT ? MARGIN : 0];
  return [kind, x - left, y - above, w + left + right, h + above + below];
}

function paintTile(pen, kind, x, y) {
  pen.fillStyle = COLOURS[kind][Math.floor(chance(x, y) * 3)];
  pen.fillRect(x - 0.01, y - 0.01, 1.02, 1.02);
  DETAILS[kind]?.(pen, x, y);
}

const DETAILS = {
  grass(pen, x, y) {
    for (let n = 0; n < 3; n++) {
      const gx = x + 0.12 + chance(x, y, n) * 0.76;
      const gy = y + 0.2 + chance(y, x, n + 3) * 0.7;
      if (chance(gx, gy) > 0.45) line(pen, [[gx - 0.05, gy - 0.09], [gx, gy], [gx + 0.06, gy - 0.1]], 0.03, "#6f9a58a0");
    }
  },
  cobble(pen, x, y) {
    for (let n = 0; n < 6; n++) {
      const sx = x + 0.04 + (n % 3) * 0.33 + (n > 2 ? 0.1 : 0) + chance(x, y, n) * 0.04;
      const sy = y + 0.06 + Math.floor(n / 3) * 0.48 + chance(y, x, n) * 0.06;
      rounded(pen, sx, sy, 0.25 + chance(x, n) * 0.04, 0.34, 0.13, STONES[Math.floor(chance(x, y, n + 9) * 4)]);
    }
  },
  path(pen, x, y) {
    for (let n = 0; n < 3; n++) oval(pen, x + chance(x, y, n), y + chance(y, x, n), 0.05, 0.035, "#b99e7480");
  },
  sand(pen, x, y) {
    for (let n = 0; n < 4; n++) oval(pen, x + chance(x, y, n), y + chance(y, x, n), 0.025, 0.02, "#bfa87688");
    if (chance(x, y, 7) > 0.86) arc(pen, x + 0.5, y + 0.5, 0.09, Math.PI, 2 * Math.PI, 0.05, "#f7efe0");
  },
  planks(pen, x, y) {
    for (const dy of [0, 0.5]) line(pen, [[x, y + dy], [x + 1, y + dy]], 0.025, "#96704680");
    const seam = chance(y, Math.floor(x / 2)) * 0.9;
    line(pen, [[x + seam, y], [x + seam, y + 0.5]], 0.025, "#96704680");
  },
  tiles(pen, x, y) {
    pen.strokeStyle = "#b9a58299";
    pen.lineWidth = 0.025;
    pen.strokeRect(x, y, 1, 1);
    if ((x + y) % 2) rounded(pen, x + 0.06, y + 0.06, 0.88, 0.88, 0.05, "#c98d6a2e");
  },
  jetty(pen, x, y) {
    for (let n = 0; n < 3; n++) rounded(pen, x + 0.02, y + n / 3 + 0.015, 0.96, 0.3, 0.04, n % 2 ? "#b98d63" : "#c3986d");
  },
  wall(pen, x, y) {
    if (chance(x, y, 5) > 0.7) line(pen, [[x + 0.2, y + 0.4], [x + 0.5, y + 0.4]], 0.03, "#d8c9ac");
  },
};

function skirting(pen, x, y, w, h) {
  pen.fillStyle = "#8a6647";
  pen.fillRect(x, y, w, 0.28);
  pen.fillRect(x, y + h - 0.16, w, 0.16);
  for (let tx = x; tx <= x + w; tx += 4) pen.fillRect(tx - 0.1, y, 0.2, h);
  pen.fillStyle = "#3a2a1d22";
  pen.fillRect(x, y + h, w, 0.22);
}

/** Grass that grows in from the rim of the cobbles. */
function ragged(pen, x, y, w, h) {
  for (let tx = x; tx < x + w; tx += 0.5) {
    for (const edge of [y, y + h]) oval(pen, tx + 0.25, edge, 0.2 + chance(tx, edge) * 0.12, 0.1, COLOURS.grass[0]);
  }
  for (let ty = y; ty < y + h; ty += 0.5) {
    for (const edge of [x, x + w]) oval(pen, edge, ty + 0.25, 0.1, 0.2 + chance(edge, ty) * 0.12, COLOURS.grass[0]);
  }
}

/** Grass that grows over the rim of the sand. */
function tufts(pen, x, y, w) {
  for (let tx = x; tx < x + w; tx += 0.4) oval(pen, tx + 0.2, y, 0.26, 0.1 + chance(tx, y) * 0.1, COLOURS.grass[0]);
}

function foam(pen, x, y, w) {
  for (let tx = x; tx < x + w; tx += 0.5) oval(pen, tx + 0.25, y + 0.02, 0.34, 0.13 + chance(tx, y) * 0.06, "#f3ead2");
  pen.fillStyle = "#4f86a033";
  pen.fillRect(x, y + 2, w, 9);
}

function flowers(pen, x, y, salt) {
  for (let n = 0; n < 5; n++) {
    const fx = x + 0.15 + chance(x, y, n) * 0.7;
    const fy = y + 0.2 + chance(y, x, n) * 0.6;
    line(pen, [[fx, fy + 0.14], [fx, fy]], 0.03, "#5d8748");
    for (const [dx, dy] of [[-0.05, 0], [0.05, 0], [0, -0.05], [0, 0.05]]) oval(pen, fx + dx, fy + dy, 0.045, 0.045, PETALS[(n + salt) % PETALS.length]);
    oval(pen, fx, fy, 0.03, 0.03, "#8a5a2c");
  }
}

function threshold(pen, map) {
  const [[x, y]] = map.ways[0].at;
  rounded(pen, x - 0.1, y + 0.25, 2.2, 0.75, 0.12, "#9c5f4a");
  rounded(pen, x, y + 0.35, 2, 0.6, 0.08, "#b8765b");
  for (let n = 0; n < 8; n++) line(pen, [[x + 0.13 + n * 0.25, y + 0.4], [x + 0.13 + n * 0.25, y + 0.9]], 0.03, "#a2654c");
}
