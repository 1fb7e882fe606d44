/** Small strokes that every painter uses. All lengths are in tiles: the canvas is scaled so that one tile is 1. */

export function rounded(pen, x, y, w, h, r, colour) {
  pen.fillStyle = colour;
  pen.beginPath();
  pen.roundRect(x, y, w, h, r);
  pen.fill();
}

export function oval(pen, x, y, rx, ry, colour) {
  pen.fillStyle = colour;
  pen.beginPath();
  pen.ellipse(x, y, rx, ry, 0, 0, 2 * Math.PI);
  pen.fill();
}

export function shape(pen, points, colour) {
  pen.fillStyle = colour;
  pen.beginPath();
  points.forEach(([x, y], n) => (n ? pen.lineTo(x, y) : pen.moveTo(x, y)));
  pen.closePath();
  pen.fill();
}

export function line(pen, points, width, colour) {
  pen.strokeStyle = colour;
  pen.lineWidth = width;
  pen.lineCap = pen.lineJoin = "round";
  pen.beginPath();
  points.forEach(([x, y], n) => (n ? pen.lineTo(x, y) : pen.moveTo(x, y)));
  pen.stroke();
}

export function arc(pen, x, y, r, from, to, width, colour) {
  pen.strokeStyle = colour;
  pen.lineWidth = width;
  pen.lineCap = "round";
  pen.beginPath();
  pen.arc(x, y, r, from, to);
  pen.stroke();
}

export function shadow(pen, x, y, rx, ry = rx * 0.35) {
  oval(pen, x, y, rx, ry, "#1d1a2a2e");
}

/** A number in [0, 1) that is always the same for the same three: chance that looks alike each time it is drawn. */
export function chance(x, y, salt = 0) {
  const n = Math.sin(x * 127.1 + y * 311.7 + salt * 74.7) * 43758.5453;
  return n - Math.floor(n);
}
