import { make } from "./dom.js";

export const KEYWORDS = [
  "select", "from", "where", "group by", "order by", "having", "limit", "join", "left join", "on", "and", "or", "not", "in", "is null",
  "is not null", "between", "like", "ilike", "as", "distinct", "case", "when", "then", "else", "end", "with", "union all", "asc", "desc",
];
export const FUNCTIONS = [
  "count", "sum", "avg", "min", "max", "round", "coalesce", "nullif", "date_trunc", "extract", "to_char", "lower", "upper", "length", "substring",
  "abs", "ceil", "floor", "rank", "row_number", "lag", "lead", "percentile_cont", "string_agg", "now", "current_date",
];

const TOKEN = /('(?:[^']|'')*')|("(?:[^"]|"")*")|(--[^\n]*)|(\d+(?:\.\d+)?)|([\p{L}_][\p{L}\p{N}_]*)|([\s\S])/gu;
const WORDS = new Set(KEYWORDS.flatMap((each) => each.split(" ")).concat("using", "offset", "over", "partition", "by", "inner", "right", "full", "cross", "null", "true", "false", "interval", "date", "filter", "exists", "union", "except", "intersect", "all", "cast", "within", "group", "rows", "nulls", "first", "last"));

/** SQL to be read, with its words set apart. */
export function sqlBlock(sql) {
  const block = make("code", { className: "sql", lang: "en", translate: false, dir: "ltr" });
  for (const [token, text, , , , word] of sql.matchAll(TOKEN)) {
    if (text) block.append(make("span", { className: "sql__text", textContent: token }));
    else if (word && WORDS.has(word.toLowerCase())) block.append(make("span", { className: "sql__word", textContent: token }));
    else block.append(token);
  }
  return block;
}

/** A name as SQL has to write it. */
export function quoted(name) {
  return /^[\p{Ll}\p{Lo}_][\p{Ll}\p{Lo}\p{N}_]*$/u.test(name) && !WORDS.has(name) ? name : `"${name.replaceAll('"', '""')}"`;
}

const NAME = String.raw`(?:"((?:[^"]|"")+)"|([\p{L}_][\p{L}\p{N}_]*))`;
const SOURCE = new RegExp(String.raw`\b(?:from|join)\s+(?:${NAME}\s*\.\s*)?${NAME}(?:\s+(?:as\s+)?${NAME})?`, "giu");

/** The tables that SQL reads, by the names it gives them. `tables` are the dataset's. */
export function tablesIn(sql, tables) {
  const found = new Map();
  for (const match of sql.matchAll(SOURCE)) {
    const table = tables.find((each) => each.name === (match[3] ?? match[4]));
    if (!table) continue;
    found.set(table.name, table);
    const alias = match[5] ?? match[6];
    if (alias && !WORDS.has(alias.toLowerCase())) found.set(alias, table);
  }
  return found;
}

const BEFORE_CARET = new RegExp(String.raw`(?:${NAME}\s*\.\s*)?"?([\p{L}\p{N}_]*)$`, "u");

/**
 * What may stand where the caret is: `{from, options: [{text, insert, note}]}`, best first; `from` is where it begins.
 * Columns of tables that are read already come first; behind a dot only that table's.
 */
export function completionsAt(sql, caret, tables) {
  const before = sql.slice(0, caret);
  const { owner, word } = wordBefore(before);
  const read = tablesIn(sql, tables);
  const from = caret - word.length - (before.at(-word.length - 1) === '"' ? 1 : 0);
  const pool = owner ? columnsOf(read.get(owner) ?? tables.find((each) => each.name === owner)) : everything(read, tables, sql, word);
  const fitting = pool.map((option) => ({ ...option, score: fit(option, word) })).filter((option) => option.score > 0);
  return { from, word, options: fitting.sort((a, b) => b.score - a.score).slice(0, 40) };
}

/** The word that is being written, and what stands before a dot before it. */
function wordBefore(before) {
  const [, inQuotes, bare, word] = BEFORE_CARET.exec(before);
  return { owner: inQuotes ?? bare, word };
}

function columnsOf(table) {
  return (table?.columns ?? []).map((column) => ({ text: column.name, insert: quoted(column.name), label: column.label, note: [column.label, column.type].filter(Boolean).join(" · "), weight: 3 }));
}

function everything(read, tables, sql, word) {
  const seen = new Set(read.values());
  return [
    ...[...seen].flatMap(columnsOf),
    ...tables.map((table) => ({ text: table.name, insert: quoted(table.name), label: table.label, note: table.label, weight: 2 })),
    ...(seen.size === 0 ? tables.flatMap(columnsOf).map((option) => ({ ...option, weight: 1 })) : []),
    ...FUNCTIONS.map((name) => ({ text: name, insert: `${name}(`, note: "ƒ", weight: 1 })),
    ...KEYWORDS.filter((name) => word && name !== word.toLowerCase()).map((name) => ({ text: name, insert: name, note: "", weight: 1 })),
  ];
}

/** How well an option fits what is written: its beginning, its label's, anywhere in either. 0: not at all. */
function fit({ text, label = "", weight }, word) {
  if (!word) return weight;
  const [name, title, written] = [text, label, word].map((each) => each.toLocaleLowerCase());
  if (name === written) return 0;
  if (name.startsWith(written) || title.startsWith(written)) return 10 + weight;
  return name.includes(written) || title.includes(written) ? weight : 0;
}
