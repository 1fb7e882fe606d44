import { markClaims } from "./claims.js";
import { label, t } from "./strings.js";

const MARK = /\[(\d+(?:\s*,\s*\d+)*)\]/g;
const WORD_JOINER = "\u2060";
// Marks inside these mean something else.
const NOT_INSIDE = "a, button, code, pre";

// What the server's sanitiser leaves; here it is the second of two locks.
const TAGS = "a, blockquote, br, code, del, em, h1, h2, h3, h4, hr, li, ol, p, pre, strong, table, tbody, td, th, thead, tr, ul";
const SAFE_LINK = /^(https?:|mailto:|tel:)/i;

/**
 * The server's sanitised HTML of an answer as a fragment: `[n]` marks become buttons where there is a citation n,
 * links open beside the chat, wide tables can be scrolled. With its `text` and `claims` sentences show whether a source
 * supports them. `say` is the `t` of where it is shown.
 */
export function answerFragment(html, citations, { text = "", claims = [], say = t } = {}) {
  const { body } = parsed(withoutStyles(html));
  lock(body);
  for (const table of body.querySelectorAll("table")) wrapTable(table);
  const button = (citation) => citationButton(citation, undefined, say);
  markCitations(body, citations, button);
  markClaims(body, { text, claims, citations }, { button, doubt: say("unsupported") });
  const fragment = document.createDocumentFragment();
  fragment.append(...body.childNodes);
  return fragment;
}

/** A button that opens source `citation`. */
export function citationButton(citation, text = String(citation.n), say = t) {
  const button = document.createElement("button");
  Object.assign(button, { type: "button", className: "cite", textContent: text });
  button.dataset.n = citation.n;
  label(button, say("source", citation));
  return button;
}

/** The citations that the text refers to; all of them if it refers to none. */
export function citedIn(text, citations) {
  const numbers = new Set([...text.matchAll(MARK)].flatMap((match) => match[1].split(",").map(Number)));
  const cited = citations.filter(({ n }) => numbers.has(n));
  return cited.length ? cited : citations;
}

// A page that demands trusted types must allow a policy of this name.
const policy = globalThis.trustedTypes?.createPolicy?.("troupe-chat", { createHTML: (html) => html });

/** A document of its own, in which nothing runs and nothing is loaded. */
export function parsed(html, type = "text/html") {
  return new DOMParser().parseFromString(policy ? policy.createHTML(html) : html, type);
}

/** Let nothing through that could run, load or tell where the reader comes from. */
function lock(root) {
  for (const element of root.querySelectorAll("*")) {
    if (!element.matches(TAGS)) element.remove();
    for (const { name } of [...element.attributes]) if (!["href", "title", "start", "align"].includes(name)) element.removeAttribute(name);
  }
  for (const link of root.querySelectorAll("a")) {
    if (SAFE_LINK.test(link.getAttribute("href") ?? "")) Object.assign(link, { target: "_blank", rel: "noopener noreferrer nofollow" });
    else link.removeAttribute("href");
  }
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

function markCitations(root, citations, button) {
  const byNumber = new Map(citations.map((citation) => [citation.n, citation]));
  const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
  const texts = [];
  while (walker.nextNode()) texts.push(walker.currentNode);
  for (const text of texts) {
    if (!text.parentElement.closest(NOT_INSIDE)) text.replaceWith(...piecesOf(text.data, byNumber, button));
  }
}

/** A text cut at its marks, which keep to the word before; a mark of numbers that are no citations stays text. */
function* piecesOf(text, byNumber, button) {
  let from = 0;
  for (const match of text.matchAll(MARK)) {
    const cited = match[1].split(",").map((number) => byNumber.get(Number(number)));
    if (!cited.every(Boolean)) continue;
    yield text.slice(from, match.index).trimEnd() + WORD_JOINER;
    for (const citation of cited) yield button(citation);
    from = match.index + match[0].length;
  }
  yield text.slice(from);
}
