// Everything that is ever written.
const NAMES = ["session", "outbox", "ratings", "draft", "seen", "open", "who"];

/**
 * What the page remembers between visits, apart for each publishable key. Where the browser closes its storage
 * to us, it is remembered until the page is left.
 */
export class Memory {
  /** `mayRead`, `mayWrite`: whether the browser's storage may be used yet. */
  constructor(publishableKey, { mayRead = true, mayWrite = true } = {}) {
    this.prefix = `troupe.chat.${publishableKey}.`;
    this.fallback = new Map();
    Object.assign(this, { mayRead, mayWrite });
  }

  /** From now on the browser's storage may be used; what was remembered so far goes there. */
  keep() {
    if (this.mayWrite) return;
    this.mayRead = this.mayWrite = true;
    for (const [key, text] of this.fallback) this.#store(key, text);
  }

  /** Take everything out of the storage again, and use it no more. */
  leave() {
    for (const name of NAMES) {
      this.fallback.delete(this.prefix + name);
      this.#remove(this.prefix + name);
    }
    this.mayRead = this.mayWrite = false;
  }

  read(name, otherwise = null) {
    const stored = this.#stored(this.prefix + name);
    if (stored === null) return otherwise;
    try {
      return JSON.parse(stored);
    } catch {
      return otherwise; // Written by something else: as good as nothing.
    }
  }

  write(name, value) {
    const text = JSON.stringify(value);
    this.fallback.set(this.prefix + name, text);
    if (this.mayWrite) this.#store(this.prefix + name, text);
  }

  forget(name) {
    this.fallback.delete(this.prefix + name);
    if (this.mayWrite) this.#remove(this.prefix + name);
  }

  #store(key, text) {
    try {
      localStorage.setItem(key, text);
    } catch {
      // Full or closed: the fallback holds it.
    }
  }

  #remove(key) {
    try {
      localStorage.removeItem(key);
    } catch {
      // Closed: nothing was kept there either.
    }
  }

  #stored(key) {
    try {
      return (this.mayRead ? localStorage : null)?.getItem(key) ?? this.fallback.get(key) ?? null;
    } catch {
      return this.fallback.get(key) ?? null;
    }
  }
}

/**
 * Messages that the server has not acknowledged yet. They are kept with their `client_id`, so that sending one
 * again after a reload changes nothing if it had arrived after all. Other tabs share the list: each change is
 * made to what is stored now.
 */
export class Outbox {
  constructor(memory) {
    this.memory = memory;
  }

  list() {
    return this.memory.read("outbox", []);
  }

  keep(item) {
    this.memory.write("outbox", [...this.list().filter((other) => other.client_id !== item.client_id), item]);
  }

  remove(clientId) {
    this.memory.write("outbox", this.list().filter((item) => item.client_id !== clientId));
  }
}
