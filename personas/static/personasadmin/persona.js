/** A persona's page: rows that come and go, the slider, and word of what is not saved yet. */

function addRow(rows) {
  const list = rows.querySelector(".rows__list");
  list.append(rows.querySelector("template").content.cloneNode(true));
  list.lastElementChild.querySelector("textarea").focus();
}

function removeRow(row) {
  const next = row.nextElementSibling ?? row.previousElementSibling;
  const rows = row.closest("[data-rows]");
  row.remove();
  (next?.querySelector("textarea") ?? rows.querySelector("[data-add]")).focus();
}

/** Say what is not saved: the test chat and a publication know only what is. */
function changed() {
  for (const id of ["save-to-try", "unsaved"]) {
    const hint = document.getElementById(id);
    if (hint) hint.hidden = false;
  }
  const publish = document.querySelector("#publish button");
  if (publish) publish.disabled = true;
}

function start(form) {
  form.addEventListener("click", ({ target }) => {
    const rows = target.closest("[data-add]")?.closest("[data-rows]");
    const row = target.closest("[data-remove]")?.closest(".row");
    if (rows) addRow(rows);
    if (row) removeRow(row);
    if (rows || row) changed();
  });
  form.addEventListener("input", ({ target }) => {
    const output = target.closest("[data-slider]")?.querySelector("output");
    if (output && target.type === "range") output.textContent = target.value;
    changed();
  });
}

/** The test chat wears the admin's theme. */
function followTheme(frame) {
  const root = document.documentElement;
  const apply = () => {
    const inner = frame.contentDocument?.documentElement;
    if (inner) inner.dataset.theme = root.classList.contains("dark") ? "dark" : "light";
  };
  frame.addEventListener("load", apply);
  new MutationObserver(apply).observe(root, { attributeFilter: ["class"] });
  apply();
}

/** Show in the frame how the widget would look; an empty field takes the draft's own. */
function previewWidget(form, frame) {
  const names = /^settings\.widget\.(\w+)$/;
  const apply = (input) => {
    const widget = frame.contentDocument?.querySelector("troupe-chat");
    const name = names.exec(input.name)?.[1].replace("_", "-");
    if (widget && name) widget.setAttribute(name, input.value);
  };
  for (const type of ["input", "change"]) form.addEventListener(type, ({ target }) => apply(target));
}

const form = document.getElementById("persona_form");
if (form) start(form);
const preview = document.getElementById("widget-preview");
if (form && preview) previewWidget(form, preview);
const frame = document.getElementById("try");
if (frame) followTheme(frame);
