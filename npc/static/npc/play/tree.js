/** A JSON value as a tree that opens and closes; what differs from `before` is marked. */
export function jsonTree(value, before = value, name = null, depth = 0) {
  if (value === null || typeof value !== "object") return leaf(name, value, before);
  const isSame = JSON.stringify(value) === JSON.stringify(before);
  const branch = document.createElement("details");
  const entries = Object.entries(value);
  if (!Array.isArray(value)) entries.sort();
  branch.className = isSame ? "tree" : "tree is-changed";
  branch.open = depth < 1 || !isSame;
  const summary = document.createElement("summary");
  summary.append(label(name ?? "state"), hint(Array.isArray(value) ? `[${entries.length}]` : `{${entries.length}}`));
  branch.append(summary, ...entries.map(([key, part]) => jsonTree(part, before?.[key], key, depth + 1)));
  return branch;
}

function leaf(name, value, before) {
  const row = document.createElement("div");
  row.className = value === before ? "tree__leaf" : "tree__leaf is-changed";
  const text = document.createElement("code");
  text.textContent = JSON.stringify(value);
  row.append(label(name), text);
  return row;
}

function label(name) {
  return Object.assign(document.createElement("span"), { className: "tree__name", textContent: name });
}

function hint(text) {
  return Object.assign(document.createElement("span"), { className: "tree__hint", textContent: text });
}
