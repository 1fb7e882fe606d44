/**
 * What the page remembers between visits, apart for each publishable key. Where the browser closes its storage
 * to us, it is remembered until the page is left.
 */
export class Memory {
  constructor(publishableKey) {
    this.prefix = `troupe.chat.${publishableKey}.`;
    this.fallback = new Map();
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
    try {
      localStorage.setItem(this.prefix + name, text);
    } catch {
      // Full or closed: the fallback holds it.
    }
  }

  forget(name) {
    this.fallback.delete(this.prefix + name);
    try {
      localStorage.removeItem(this.prefix + name);
    } catch {
      // Closed: nothing was kept there either.
    }
  }

  #stored(key) {
    try {
      return localStorage.getItem(key) ?? this.fallback.get(key) ?? null;
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
