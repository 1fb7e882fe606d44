const MARKS = /\[\d+(?:\s*,\s*\d+)*\]/g;
// Of a Markdown link only the words are shown.
const LINK = /\[([^\]]*)\]\([^)]*\)/g;
const LETTER = /[\p{L}\p{N}]/u;
const CLOSING = /^[\p{Po}\p{Pe}\p{Pf}"']*/u;
const UNMARKED = "button, pre, code";

/**
 * Show in a drawn answer what its claims say: behind a supported sentence stand the numbers of its sources, one that
 * no source supports is underlined and says so to screen readers.
 *
 * Claims count in the answer's Markdown while its HTML is what is shown: a sentence is found by its letters and
 * digits, which both have in common. One that cannot be found stays as it is. `button(citation)` makes the
 * button of a source, `doubt` is what screen readers are told.
 */
export function markClaims(root, { text, claims, citations }, { button, doubt }) {
  const points = [...text];
  const byNumber = new Map(citations.map((citation) => [citation.n, citation]));
  let from = 0;
  for (const { start, end, sources = [], supported } of claims) {
    const said = lettersOf(points.slice(start, end).join("").replace(MARKS, "").replace(LINK, "$1"));
    const shown = lettersIn(root);
    const at = said ? shown.text.indexOf(said, from) : -1;
    if (at < 0) continue;
    from = at + said.length;
    const last = wrap(shown.places.slice(at, from), supported);
    if (!supported) last.append(whisper(doubt));
    else cite(last, sources.map((n) => byNumber.get(n)).filter(Boolean), button);
  }
}

function lettersOf(text) {
  return [...text].filter((letter) => LETTER.test(letter)).join("");
}

/** The letters below `root` as one text, and for each UTF-16 unit of it the text node and offset it stands at. */
function lettersIn(root) {
  const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
  const places = [];
  let text = "";
  while (walker.nextNode()) {
    const node = walker.currentNode;
    if (node.parentElement.closest(UNMARKED)) continue;
    let offset = 0;
    for (const letter of node.data) {
      if (LETTER.test(letter)) {
        text += letter;
        for (let unit = 0; unit < letter.length; unit += 1) places.push({ node, offset: offset + unit });
      }
      offset += letter.length;
    }
  }
  return { text, places };
}

/** Put spans around what stands at `places`; returns the last of them. */
function wrap(places, isSupported) {
  const stretches = new Map();
  for (const { node, offset } of places) {
    const stretch = stretches.get(node) ?? [offset, offset];
    stretches.set(node, [stretch[0], offset + 1]);
  }
  let span;
  for (const [node, [start, end]] of stretches) {
    const closing = CLOSING.exec(node.data.slice(end))[0].length;
    const piece = node.splitText(start);
    piece.splitText(end - start + closing);
    span = document.createElement("span");
    span.className = isSupported ? "claim" : "claim claim--unsupported";
    piece.replaceWith(span);
    span.append(piece);
  }
  return span;
}

/** Give a sentence the numbers of its sources, but for those that its author wrote there. */
function cite(span, citations, button) {
  let next = span.nextSibling;
  const there = new Set();
  while (next && (next.nodeName === "BUTTON" || (next.nodeType === Node.TEXT_NODE && !LETTER.test(next.data)))) {
    if (next.nodeName === "BUTTON") there.add(Number(next.dataset.n));
    next = next.nextSibling;
  }
  for (const inside of span.querySelectorAll("button")) there.add(Number(inside.dataset.n));
  const missing = citations.filter(({ n }) => !there.has(n));
  span.after(...missing.map((citation) => button(citation)));
}

function whisper(text) {
  return Object.assign(document.createElement("span"), { className: "visually-hidden", textContent: ` (${text})` });
}
