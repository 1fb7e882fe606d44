/**
 * The four scenes of the village as tiles: what lies where, who stands where, and where the ways lead.
 *
 * A prop's `x, y, w, h` is the ground that it stands on, which nobody walks on; it may be drawn higher than that. The ids of scenes and characters are those of the world's document.
 */

export const WIDTH = 16;
export const HEIGHT = 11;
// Tiles around an outdoor scene that are seen and never walked on.
export const MARGIN = 5;

const WALL = 3; // rows of an indoor scene that are its back wall

const indoors = (floor) => [["wall", 0, 0, WIDTH, WALL], [floor, 0, WALL, WIDTH, HEIGHT - WALL]];
const row = (kind, xs, y, more = {}) => xs.map((x) => ({ kind, x, y, w: 1, h: 1, ...more }));

export const MAPS = {
  square: {
    outdoors: true,
    ground: [
      ["grass", 0, 0, 16, 11], ["cobble", 3, 3, 10, 6], ["path", 2, 2, 1, 2], ["path", 2, 3, 2, 1],
      ["path", 13, 2, 1, 2], ["path", 12, 3, 2, 1], ["path", 7, 9, 2, 2],
    ],
    props: [
      { kind: "schoolhouse", x: 0, y: 0, w: 5, h: 2 }, { kind: "bakery", x: 11, y: 0, w: 5, h: 2 },
      { kind: "tower", x: 7, y: 2, w: 2, h: 2 }, { kind: "ladder", x: 9, y: 3, w: 1, h: 1 },
      { kind: "bench", x: 4, y: 4, w: 2, h: 1 }, { kind: "basin", x: 7, y: 6, w: 2, h: 2 },
      ...row("tree", [5.4, 10], 1), ...row("tree", [-2, 17], 3), ...row("tree", [-3, 18], 7), ...row("tree", [-1.5, 16.6], 1), ...row("bush", [-2, 17], 9), ...row("tree", [0, 15], 5), ...row("tree", [1, 14], 8), ...row("tree", [0, 15], 10),
      ...row("bush", [0], 3), ...row("bush", [15], 3), ...row("bush", [4, 11], 10), ...row("lamp", [3, 12], 7),
    ],
    flowers: [[1, 5], [14, 6], [2, 9], [5, 9], [10, 9], [13, 10], [0, 7], [15, 8], [2, 6], [13, 4]],
    homes: { bellkeeper: [5, 4], clockmaker: [9, 4] },
    seats: ["bellkeeper"],
    ways: [
      { to: "schoolhouse", at: [[2, 2]], arrive: [8, 9] },
      { to: "bakery", at: [[13, 2]], arrive: [8, 9] },
      { to: "shore", at: [[7, 10], [8, 10]], arrive: [7, 1] },
    ],
    start: [8, 9],
  },
  bakery: {
    ground: indoors("tiles"),
    props: [
      { kind: "oven", x: 2, y: 1, w: 4, h: 2 }, { kind: "window", x: 7, y: 1, w: 2, h: 1 },
      { kind: "shelf", x: 10, y: 2, w: 3, h: 1, goods: "bread" }, { kind: "backdoor", x: 14, y: 1, w: 1, h: 1 },
      { kind: "counter", x: 8, y: 5, w: 5, h: 1 }, { kind: "basket", x: 3, y: 4, w: 1, h: 1, under: true },
      { kind: "sacks", x: 0, y: 3, w: 2, h: 1 }, { kind: "trough", x: 1, y: 6, w: 2, h: 1 },
    ],
    homes: { baker: [10, 4], cat: [3, 4] },
    ways: [{ to: "square", at: [[7, 10], [8, 10]], arrive: [13, 3] }],
    start: [8, 9],
  },
  schoolhouse: {
    ground: indoors("planks"),
    props: [
      { kind: "board", x: 6, y: 1, w: 4, h: 1 }, { kind: "shelf", x: 1, y: 2, w: 3, h: 1, goods: "books" },
      { kind: "window", x: 11, y: 1, w: 2, h: 1 }, { kind: "chest", x: 12, y: 3, w: 2, h: 1 },
      { kind: "globe", x: 5, y: 3, w: 1, h: 1 }, { kind: "lectern", x: 9, y: 4, w: 2, h: 1 },
      ...row("desk", [3, 6, 9], 6, { w: 2 }), ...row("desk", [3, 6, 9], 8, { w: 2 }), { kind: "machine", x: 13, y: 7, w: 1, h: 1 },
    ],
    homes: { teacher: [9, 3], child: [12, 7] },
    ways: [{ to: "square", at: [[7, 10], [8, 10]], arrive: [2, 3] }],
    start: [8, 9],
  },
  shore: {
    outdoors: true,
    ground: [
      ["grass", 0, 0, 16, 4], ["sand", 0, 4, 16, 3], ["water", 0, 7, 16, 4], ["path", 7, 0, 2, 5], ["jetty", 7, 5, 2, 5],
    ],
    props: [
      ...row("hive", [1, 2, 3, 4], 2).map((prop, hue) => ({ ...prop, hue })), ...row("hive", [2, 3, 4], 3).map((prop, hue) => ({ ...prop, hue: hue + 4 })),
      ...row("reeds", [0, 1, 4, 12, 14, 15], 7), ...row("tree", [0, 5, 10, 15, -2, 17], 0), ...row("tree", [-3, 18], 2), ...row("reeds", [-2, -3, 17, 18], 7), ...row("bush", [9, 13], 1),
      { kind: "boat", x: 10, y: 7, w: 3, h: 1 }, { kind: "nets", x: 13, y: 5, w: 2, h: 1 },
    ],
    flowers: [[5, 1], [10, 2], [12, 3], [14, 3], [1, 1], [3, 1], [6, 3]],
    homes: { ferrywoman: [9, 6], beekeeper: [5, 3] },
    ways: [{ to: "square", at: [[7, 0], [8, 0]], arrive: [7, 9] }],
    start: [7, 1],
  },
};

const key = (x, y) => y * WIDTH + x;

/** Which tiles nobody can stand on, as a set of numbers that `isFree` reads. */
export function solidTiles(map) {
  const solid = new Set();
  const fill = (x, y, w, h, on = true) => {
    for (let ty = y; ty < y + h; ty++) {
      for (let tx = Math.max(0, Math.round(x)); tx < Math.min(WIDTH, Math.round(x + w)); tx++) {
        if (on) solid.add(key(tx, ty));
        else solid.delete(key(tx, ty));
      }
    }
  };
  for (const [kind, ...rect] of map.ground) fill(...rect, kind === "wall" || kind === "water");
  for (const { x, y, w, h, under } of map.props) if (!under) fill(x, y, w, h);
  for (const way of map.ways) for (const [x, y] of way.at) solid.delete(key(x, y));
  return solid;
}

export function isFree(solid, x, y) {
  return x >= 0 && y >= 0 && x < WIDTH && y < HEIGHT && !solid.has(key(x, y));
}

/** The way that begins at a tile, or undefined. */
export function wayAt(map, x, y) {
  return map.ways.find((way) => way.at.some(([wx, wy]) => wx === x && wy === y));
}

/** The fewest steps from a tile to one that is a goal, without the first; [] if there is no way. */
export function findPath(isOpen, from, isGoal) {
  const { tiles, before } = reachable(isOpen, from);
  const goal = tiles.find(([x, y]) => isGoal(x, y));
  return goal ? pathTo(before, key(...goal), key(...from)) : [];
}

/** The same to the tile itself, or as near to it as one gets. */
export function pathTowards(isOpen, from, [x, y]) {
  const { tiles, before } = reachable(isOpen, from);
  const far = ([tx, ty]) => Math.abs(tx - x) + Math.abs(ty - y);
  const nearest = tiles.reduce((best, tile) => (far(tile) < far(best) ? tile : best));
  return pathTo(before, key(...nearest), key(...from));
}

/** The tiles that can be walked to, nearest first, and for each the one before it. */
function reachable(isOpen, from) {
  const before = new Map([[key(...from), null]]);
  const tiles = [from];
  for (const [x, y] of tiles) {
    for (const [nx, ny] of [[x + 1, y], [x - 1, y], [x, y + 1], [x, y - 1]]) {
      if (nx < 0 || ny < 0 || nx >= WIDTH || ny >= HEIGHT || before.has(key(nx, ny)) || !isOpen(nx, ny)) continue;
      before.set(key(nx, ny), key(x, y));
      tiles.push([nx, ny]);
    }
  }
  return { tiles, before };
}

function pathTo(before, end, start) {
  const path = [];
  for (let at = end; at !== start; at = before.get(at)) path.unshift([at % WIDTH, Math.floor(at / WIDTH)]);
  return path;
}
