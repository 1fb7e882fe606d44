import { label, t } from "./strings.js";

const MARK = /\[(\d+(?:\s*,\s*\d+)*)\]/g;
const WORD_JOINER = "\u2060";
// Marks inside these mean something else.
const NOT_INSIDE = "a, button, code, pre";

/**
 * The server's sanitised HTML of an answer as a fragment: `[n]` marks become buttons where there is a citation n,
 * links open beside the chat, wide tables can be scrolled.
 */
export function answerFragment(html, citations) {
  const { body } = new DOMParser().parseFromString(withoutStyles(html), "text/html");
  for (const link of body.querySelectorAll("a[href]")) Object.assign(link, { target: "_blank", rel: "noopener noreferrer" });
  for (const table of body.querySelectorAll("table")) wrapTable(table);
  markCitations(body, citations);
  const fragment = document.createDocumentFragment();
  fragment.append(...body.childNodes);
  return fragment;
}

/** A button that opens source `citation`. */
export function citationButton(citation, text = String(citation.n)) {
  const button = document.createElement("button");
  Object.assign(button, { type: "button", className: "cite", textContent: text });
  button.dataset.n = citation.n;
  label(button, t("source", citation));
  return button;
}

/** The citations that the text refers to; all of them if it refers to none. */
export function citedIn(text, citations) {
  const numbers = new Set([...text.matchAll(MARK)].flatMap((match) => match[1].split(",").map(Number)));
  const cited = citations.filter(({ n }) => numbers.has(n));
  return cited.length ? cited : citations;
}

/** Cells are aligned by their style, which our content security policy would drop: say it by the older attribute. */
function withoutStyles(html) {
  return html.replace(/<(t[hd]) style="text-align:\s*(left|center|right);?"/g, '<$1 align="$2"');
}

function wrapTable(table) {
  const scroller = document.createElement("div");
  Object.assign(scroller, { className: "answer__table", tabIndex: 0 });
  table.replaceWith(scroller);
  scroller.append(table);
}

function markCitations(root, citations) {
  const byNumber = new Map(citations.map((citation) => [citation.n, citation]));
  const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
  const texts = [];
  while (walker.nextNode()) texts.push(walker.currentNode);
  for (const text of texts) {
    if (!text.parentElement.closest(NOT_INSIDE)) text.replaceWith(...piecesOf(text.data, byNumber));
  }
}

/** A text cut at its marks, which keep to the word before; a mark of numbers that are no citations stays text. */
function* piecesOf(text, byNumber) {
  let from = 0;
  for (const match of text.matchAll(MARK)) {
    const cited = match[1].split(",").map((number) => byNumber.get(Number(number)));
    if (!cited.every(Boolean)) continue;
    yield text.slice(from, match.index).trimEnd() + WORD_JOINER;
    for (const citation of cited) yield citationButton(citation);
    from = match.index + match[0].length;
  }
  yield text.slice(from);
}
