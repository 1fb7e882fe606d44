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

/**
 * Half-open UTF-16 ranges `[start, end]` of `passage` whose words stand in the same order in `answer`. Where every word
 * of a run belongs to a longer one, it was taken from there: rows of a table share most of theirs.
 */
export function quotedRanges(answer, passage) {
  const said = wordsOf(answer.replace(CITATION_MARKS, " "));
  const words = wordsOf(passage);
  const places = Map.groupBy(said.keys(), (at) => said[at].key);

  const runs = [];
  const longestAt = said.map(() => 0); // of the runs that took this word of the answer
  for (let at = 0; at < words.length; ) {
    const [length, place] = longestRun(said, words, at, places.get(words[at].key) ?? []);
    if (weight(words, at, length) >= ENOUGH) {
      runs.push({ at, length, place });
      for (let one = place; one < place + length; one += 1) longestAt[one] = Math.max(longestAt[one], length);
      at += length;
    } else {
      at += 1;
    }
  }
  return runs
    .filter(({ length, place }) => longestAt.slice(place, place + length).some((longest) => longest === length))
    .map(({ at, length }) => [words[at].start, words[at + length - 1].end]);
}

function wordsOf(text) {
  return Array.from(text.matchAll(WORDS), (match) => ({
    key: match[0].normalize("NFKC").toLowerCase(),
    start: match.index,
    end: match.index + match[0].length,
  }));
}

/** How many words from `words[at]` on stand in `said`, and where: at the best of `places`. */
function longestRun(said, words, at, places) {
  let best = [0, 0];
  for (const place of places) {
    let length = 0;
    while (words[at + length] && words[at + length].key === said[place + length]?.key) length += 1;
    if (length > best[0]) best = [length, place];
  }
  return best;
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
