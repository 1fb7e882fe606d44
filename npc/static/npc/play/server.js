/** The village's game server, spoken to with the token of one story. */

/** The server said no. `retryAfterS` is set where asking again later helps. */
export class Refused extends Error {
  constructor(status, { code, detail } = {}, retryAfterS = null) {
    super(detail ?? `status ${status}`);
    Object.assign(this, { status, code, detail, retryAfterS });
  }

  /** Whether the story cannot be gone on with: its token has run out, or it is there no more. */
  get isOver() {
    return this.status === 401 || this.status === 404;
  }
}

/** Nobody answers, or the line broke in the middle. */
export class Away extends Error {}

export class Server {
  constructor(base) {
    this.base = base;
    this.token = null;
  }

  async get(path) {
    return (await this.#ask(path, { method: "GET" })).json();
  }

  async post(path, body = {}) {
    return (await this.#post(path, body)).json();
  }

  /** Post, and yield the events of the stream that comes back. Raises if it breaks off. */
  async *stream(path, body) {
    const response = await this.#post(path, body, { Accept: "text/event-stream" });
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    let kept = "";
    for (;;) {
      const { done, value } = await reader.read().catch(broken);
      if (done) return;
      const blocks = (kept + value).split("\n\n");
      kept = blocks.pop();
      for (const block of blocks) {
        const data = /^data: (.*)$/m.exec(block)?.[1];
        if (data) yield JSON.parse(data);
      }
    }
  }

  #post(path, body, headers = {}) {
    return this.#ask(path, {
      method: "POST",
      headers: { "Content-Type": "application/json", ...headers },
      body: JSON.stringify(body),
    });
  }

  async #ask(path, { headers, ...options }) {
    const key = this.token ? { Authorization: `Bearer ${this.token}` } : {};
    const response = await fetch(this.base + path, { ...options, headers: { ...headers, ...key } }).catch(broken);
    if (response.ok) return response;
    const problem = await response.json().catch(() => ({}));
    throw new Refused(response.status, problem, Number(response.headers.get("Retry-After")) || null);
  }
}

function broken(error) {
  throw new Away(error.message, { cause: error });
}
