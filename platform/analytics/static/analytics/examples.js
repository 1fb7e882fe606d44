import { isNumber } from "./grid.js";
import { currentLanguage, t } from "./strings.js";

const MOST = 4;
const SIMPLE = { bigint: "integer", integer: "integer", smallint: "integer", numeric: "decimal", "double precision": "float", real: "float" };
const CODE = /(^|_)(id|no|code|year)$|编号|代码|号$|年份/i;

/**
 * Questions to begin with, made of the tables' own words. Without a model only what is verified can be answered,
 * so only that is offered.
 */
export function examplesFor(dataset, pairs, hasModel) {
  if (!hasModel) return pairs.slice(0, MOST).map((pair) => pair.question);
  const tables = dataset.tables.filter((table) => !table.is_hidden).sort((a, b) => (b.row_count ?? 0) - (a.row_count ?? 0));
  const metrics = (dataset.glossary?.metrics ?? []).filter((each) => each.status === "approved").map((each) => t("example_metric", { metric: each.name }));
  const made = tables.flatMap((table) => ofTable(table));
  // One of each kind before a second of any.
  const kinds = [...new Set(made.map((each) => each.kind))];
  const first = kinds.map((kind) => made.find((each) => each.kind === kind).text);
  return [...new Set([...metrics.slice(0, 1), ...first, ...made.map((each) => each.text)])].slice(0, MOST);
}

function ofTable(table) {
  const name = table.label || table.name;
  const columns = table.columns.filter((column) => !column.pii);
  const measure = columns.find((column) => isNumber({ type: simple(column.type) }) && !isCode(column));
  const time = columns.find((column) => /^(date|timestamp)/.test(column.type));
  const texts = columns.filter((column) => column.type === "text" && !isCode(column));
  const group = texts.find((column) => column.samples?.length > 1) ?? texts[0];
  const say = (key, values) => ({ kind: key, text: t(key, values) });
  return [
    measure && group && say("example_by_group", { measure: word(measure), group: word(group), table: name }),
    measure && time && say("example_by_month", { measure: word(measure), table: name }),
    group && say("example_count", { group: word(group), table: name }),
    measure && group && say("example_top", { measure: word(measure), group: word(group), table: name }),
    !measure && !group && say("example_rows", { table: name }),
  ].filter(Boolean);
}

const isCode = (column) => CODE.test(column.name) || CODE.test(column.label ?? "");

const simple = (type) => SIMPLE[type.split("(")[0]] ?? type;

/** A column as people call it; English identifiers lose their underscores. */
function word(column) {
  const name = column.label || column.name;
  return currentLanguage() === "en" ? name.replaceAll("_", " ") : name;
}
