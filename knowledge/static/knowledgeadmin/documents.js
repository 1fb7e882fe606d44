/** A base's page: files go up by drag and drop, and each document shows how far it is until it is done. */

const POLL_MS = 1000;
const AT_ONCE = 2;

const TEXTS = JSON.parse(document.getElementById("documents-texts").textContent);
const token = () => document.querySelector("[name=csrfmiddlewaretoken]").value;

function say(key, values = {}) {
  return TEXTS[key].replace(/\{(\w+)\}/g, (_, name) => values[name]);
}

function element(tag, className, text = "") {
  return Object.assign(document.createElement(tag), { className, textContent: text });
}

/** What the server answered: an object, or what is wrong in one sentence. */
async function ask(url, options = {}) {
  const response = await fetch(url, {
    ...options,
    headers: { Accept: "application/json", "X-CSRFToken": token() },
  });
  const body = await response.json().catch(() => ({}));
  if (!response.ok) throw new Error(body.detail ?? say("failed"));
  return body;
}

/** One row of the list. Rows are drawn anew only if they changed, so that focus and hover survive the polling. */
class Row {
  constructor(list, { top = false } = {}) {
    this.element = element("li", "document");
    top ? list.prepend(this.element) : list.append(this.element);
  }

  draw(state, buttons) {
    const shown = JSON.stringify(state);
    if (shown === this.shown) return;
    this.shown = shown;
    const title = state.url ? Object.assign(element("a", "document__title"), { href: state.url }) : element("span", "document__title");
    title.textContent = state.title;
    const parts = [title, element("span", `status status--${state.status}`, state.status_label)];
    const side = element("div", "document__buttons");
    side.append(...buttons);
    parts.push(side, element("p", "document__note", state.note));
    if (state.error) parts.push(element("p", "document__error", state.error));
    if (state.is_working) parts.push(bar(state));
    this.element.replaceChildren(...parts);
  }

  remove() {
    this.element.remove();
  }
}

function bar({ done, total }) {
  const track = element("div", "document__bar");
  const fill = element("i", "");
  track.setAttribute("role", "progressbar");
  if (total > 0) {
    fill.style.width = `${(100 * done) / total}%`;
    Object.entries({ valuemin: 0, valuemax: total, valuenow: done }).forEach(([name, value]) => track.setAttribute(`aria-${name}`, value));
  } else {
    track.classList.add("is-waiting");
  }
  track.append(fill);
  return track;
}

/** What a document's second line says, by how far it is. */
function note({ queue, total, done, is_working, passages, size, added }) {
  if (queue) {
    const place = say("position", queue);
    return queue.eta_s === null ? place : `${place}, ${say("eta", { time: duration(queue.eta_s) })}`;
  }
  if (is_working && total > 0) return say("progress", { done, total });
  return [size, passages ? say("passages", { count: passages }) : "", added].filter(Boolean).join(" · ");
}

function duration(seconds) {
  return seconds < 90 ? say("seconds", { count: seconds }) : say("minutes", { count: Math.round(seconds / 60) });
}

function button(text, onClick, className = "") {
  const made = Object.assign(element("button", `desk-button desk-button--small ${className}`, text), { type: "button" });
  made.addEventListener("click", onClick);
  return made;
}

class DocumentList {
  constructor(root) {
    const { url, maxBytes, mayChange } = root.dataset;
    Object.assign(this, { url, maxBytes: Number(maxBytes), mayChange: mayChange !== undefined });
    this.list = document.getElementById("document-list");
    this.rows = new Map();
    this.waiting = [];
    this.running = 0;
    this.show(JSON.parse(document.getElementById("documents-rows").textContent));
    if (this.mayChange) this.#takeFiles();
  }

  /** Draw the server's documents, newest first; rows of uploads stay on top. */
  show(documents) {
    this.none?.remove();
    const known = new Set(documents.map(({ id }) => id));
    for (const [id, row] of this.rows) {
      if (known.has(id)) continue;
      row.remove();
      this.rows.delete(id);
    }
    const isFirst = this.rows.size === 0;
    for (const state of documents) this.#draw(state, { top: !isFirst });
    if (!this.list.children.length) this.list.append((this.none = element("li", "desk-quiet", say("none"))));
    clearTimeout(this.timer);
    if (documents.some(({ is_working }) => is_working)) this.timer = setTimeout(() => this.#poll(), POLL_MS);
  }

  #draw(state, { top = false } = {}) {
    if (!this.rows.has(state.id)) this.rows.set(state.id, new Row(this.list, { top }));
    this.rows.get(state.id).draw({ ...state, note: note(state) }, this.#buttons(state));
  }

  async #poll() {
    try {
      this.show((await ask(this.url)).documents);
    } catch {
      this.timer = setTimeout(() => this.#poll(), 5 * POLL_MS); // away for a moment; the next answer tells all
    }
  }

  #buttons(state) {
    if (!this.mayChange) return [];
    const act = (action) => () => this.#act(state, action);
    const buttons = [];
    if (state.is_working) buttons.push(button(say("cancel"), act("cancel")));
    if (state.status === "asks") buttons.push(button(say("confirm"), act("confirm"), "desk-button--primary"));
    else if (["failed", "cancelled"].includes(state.status)) buttons.push(button(say("retry"), act("retry")));
    if (!state.is_working) buttons.push(button(say("delete"), act("delete"), "desk-button--danger"));
    return buttons;
  }

  async #act(state, action) {
    if (action === "delete" && !confirm(say("delete_question", state))) return;
    try {
      await ask(`${state.act_url}${action}/`, { method: "POST" });
    } catch (error) {
      document.getElementById("documents-status").textContent = error.message;
    }
    await this.#poll();
  }

  // --- Uploads -----------------------------------------------------------------------------------------------
  #takeFiles() {
    const drop = document.getElementById("drop");
    const input = document.getElementById("files");
    input.addEventListener("change", () => {
      this.#add(input.files);
      input.value = "";
    });
    const over = (isOver) => (event) => {
      event.preventDefault();
      drop.classList.toggle("is-over", isOver);
    };
    drop.addEventListener("dragover", over(true));
    drop.addEventListener("dragleave", over(false));
    drop.addEventListener("drop", (event) => {
      over(false)(event);
      this.#add(event.dataTransfer.files);
    });
  }

  #add(files) {
    this.none?.remove();
    for (const file of files) this.waiting.push({ file, row: new Row(this.list, { top: true }) });
    for (const upload of this.waiting) this.#drawUpload(upload, { done: 0, total: upload.file.size });
    this.#next();
  }

  #next() {
    while (this.running < AT_ONCE && this.waiting.length) this.#send(this.waiting.shift());
  }

  /** XMLHttpRequest, since fetch does not tell how much of a file has gone up. */
  #send(upload) {
    if (upload.file.size > this.maxBytes) return this.#refuse(upload, say("too_large"));
    this.running += 1;
    const request = new XMLHttpRequest();
    request.open("POST", this.url);
    request.setRequestHeader("Accept", "application/json");
    request.setRequestHeader("X-CSRFToken", token());
    request.upload.addEventListener("progress", ({ loaded, total }) => this.#drawUpload(upload, { done: loaded, total }));
    request.addEventListener("loadend", () => {
      this.running -= 1;
      this.#sent(upload, request);
      this.#next();
    });
    const body = new FormData();
    body.append("file", upload.file);
    request.send(body);
  }

  #sent(upload, { status, responseText }) {
    const answer = parsed(responseText);
    if (status !== 202) return this.#refuse(upload, answer?.detail ?? say("upload_failed"));
    this.rows.set(answer.document.id, upload.row);
    this.#draw(answer.document);
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.#poll(), POLL_MS);
  }

  #drawUpload({ file, row }, { done, total }) {
    const status_label = total > 0 && done >= total ? say("reading") : say("uploading");
    const state = { title: file.name, status: "uploading", status_label, is_working: true, note: "", done, total };
    row.draw(state, []);
  }

  #refuse({ file, row }, error) {
    const state = { title: file.name, status: "failed", status_label: say("failed_label"), note: "", error };
    row.draw(state, [button(say("dismiss"), () => row.remove())]);
  }
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** The box that tries a question: the server answers with a piece of the page. */
function startHitTest(form) {
  const results = document.getElementById("hit-test-results");
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const send = form.querySelector("button");
    send.disabled = true;
    try {
      const response = await fetch(form.action, { method: "POST", body: new FormData(form), headers: { "X-CSRFToken": token() } });
      if (!response.ok) throw new Error();
      results.innerHTML = await response.text(); // ours, escaped by the template
    } catch {
      results.replaceChildren(element("p", "desk-error", say("failed")));
    } finally {
      send.disabled = false;
    }
  });
}

/** On a document's own page: buttons that act, then show the page anew. */
function startActions() {
  document.addEventListener("click", async (event) => {
    const act = event.target.closest("[data-act]");
    if (!act) return;
    act.disabled = true;
    await ask(act.dataset.act, { method: "POST" }).catch((error) => alert(error.message));
    location.reload();
  });
}

const root = document.getElementById("documents");
if (root) new DocumentList(root);
const hitTest = document.getElementById("hit-test");
if (hitTest) startHitTest(hitTest);
startActions();
