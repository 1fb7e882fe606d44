/** The views of the API, asked by whoever is signed in: a cookie opens them, and Django's token proves that it is this page. */

/** The server said no, and why. `errors` are of single fields. */
export class Refused extends Error {
  constructor(status, problem = {}) {
    super(problem.detail ?? `status ${status}`);
    Object.assign(this, { errors: [], ...problem, status });
  }
}

/** Nobody answers, or the line broke in the middle. */
export class Away extends Error {}

const BASE = new URL("api/", new URL(settings().base, location.href));

/** What the page knows from the server; `base` is where its views are. */
export function settings() {
  return JSON.parse(document.getElementById("settings").textContent);
}

export const get = (path) => ask("GET", path);
export const post = (path, body = {}) => ask("POST", path, body);
export const patch = (path, body) => ask("PATCH", path, body);
export const remove = (path) => ask("DELETE", path);

/** Have a picture drawn. Throws as the others do. */
export const drawing = (path) => ask("GET", path);

/** Where something of the API is, for links, pictures and event streams. */
export const addressOf = (path) => new URL(path, BASE).href;

/** Every row of a list, page by page, but no more than `most`. */
export async function all(path, most = 500) {
  const rows = [];
  let next = path;
  while (next && rows.length < most) {
    const page = await get(next);
    rows.push(...page.results);
    // Only the query is taken over: behind a proxy the server may not know its own address.
    next = page.next ? path.split("?")[0] + new URL(page.next, location.href).search : null;
  }
  return rows;
}

/** Send a form with files. `onProgress` hears the share that is sent, from 0 to 1: fetch cannot tell. */
export function upload(path, form, onProgress) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("POST", addressOf(path));
    request.setRequestHeader("X-CSRFToken", token());
    request.upload.addEventListener("progress", (event) => event.lengthComputable && onProgress(event.loaded / event.total));
    request.addEventListener("error", () => reject(new Away()));
    request.addEventListener("load", () => {
      const body = parsed(request.responseText);
      if (request.status < 400) resolve(body);
      else reject(new Refused(request.status, body));
    });
    request.send(form);
  });
}

async function ask(method, path, body) {
  // What somebody deletes as he leaves the page is deleted all the same.
  const options = { method, headers: {}, keepalive: method === "DELETE" };
  if (method !== "GET") options.headers["X-CSRFToken"] = token();
  if (body !== undefined) {
    options.headers["Content-Type"] = "application/json";
    options.body = JSON.stringify(body);
  }
  const { response, text } = await fetched(addressOf(path), options).catch((error) => {
    throw new Away(error.message, { cause: error });
  });
  const answer = parsed(text);
  if (!response.ok) throw new Refused(response.status, answer);
  return answer;
}

/** A line may break in the middle of an answer, too. */
async function fetched(address, options) {
  const response = await fetch(address, options);
  return { response, text: await response.text() };
}

const token = () => document.querySelector("meta[name=csrf-token]").content;

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return {}; // nothing, or a proxy's own page
  }
}
