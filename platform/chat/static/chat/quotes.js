/**
 * Which words of a passage an answer took over: the longest runs of words that both have in common.
 *
 * Words, not characters, are compared, so that "form" is not found in "inform"; a Han, Hiragana or Katakana
 * character counts as a word. A run is marked if it weighs enough to be no accident.
 */
const WORDS =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}]|\p{N}+(?:[.,:]\p{N}+)*|[[\p{L}\p{M}]--[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}]]+(?:['’]\p{L}+)*/gv;
const CITATION_MARKS = /\[\d+(?:\s*,\s*\d+)*\]/g;
const IDEOGRAPH = /^[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}]/u;
// Words so common that two texts share them without one quoting the other.
const COMMON = new Set(
  ("a an and are as at be by can for from has have if in is it its of on or our that the this to was we will with " +
    "you your 的 了 是 在 和 与 或 我 你 您 们 有 也 就 都 及 为 以 于 被 把 会 可 请").split(" "),
);
const ENOUGH = 4; // four ideographs, two words, or a number with its unit

/** Half-open UTF-16 ranges `[start, end]` of `passage` whose words stand in the same order in `answer`. */
export function quotedRanges(answer, passage) {
  const said = wordsOf(answer.replace(CITATION_MARKS, " "));
  const words = wordsOf(passage);
  const places = Map.groupBy(said.keys(), (at) => said[at].key);

  const ranges = [];
  for (let at = 0; at < words.length; ) {
    const length = longestRun(said, words, at, places.get(words[at].key) ?? []);
    if (weight(words, at, length) >= ENOUGH) {
      ranges.push([words[at].start, words[at + length - 1].end]);
      at += length;
    } else {
      at += 1;
    }
  }
  return ranges;
}

function wordsOf(text) {
  return Array.from(text.matchAll(WORDS), (match) => ({
    key: match[0].normalize("NFKC").toLowerCase(),
    start: match.index,
    end: match.index + match[0].length,
  }));
}

/** How many words from `words[at]` on stand in `said`, beginning at the best of `places`. */
function longestRun(said, words, at, places) {
  let longest = 0;
  for (const place of places) {
    let length = 0;
    while (words[at + length] && words[at + length].key === said[place + length]?.key) length += 1;
    longest = Math.max(longest, length);
  }
  return longest;
}

function weight(words, at, length) {
  let sum = 0;
  for (const { key } of words.slice(at, at + length)) {
    if (COMMON.has(key)) sum += 0.25;
    else if (IDEOGRAPH.test(key)) sum += 1;
    else sum += /^\p{N}/u.test(key) ? 3 : 2;
  }
  return sum;
}
