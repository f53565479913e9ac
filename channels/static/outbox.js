// Messages on their way out: one at a time, in order, each with its own id until the server says yes.

import { Backoff } from "./stream.js";

/** Sends entries {id, …} in order. `post(entry)` gives a Response, or throws when none came.
 *  Tells the page through `on`: accepted(entry, body), refused(entry, status, body) when the server
 *  will never take it, trouble(entry, body|null) before it tries again with the same id,
 *  changed(entries) for keeping them across a reload. */
export class Outbox {
  #entries;
  #post;
  #on;
  #running = false;
  #stopped = false;
  #backoff = new Backoff();

  constructor({ post, on, entries = [] }) {
    this.#post = post;
    this.#on = on;
    this.#entries = entries;
  }

  get entries() {
    return this.#entries;
  }

  add(entry) {
    this.#entries.push(entry);
    this.#on.changed(this.#entries);
    this.run();
  }

  retryNow() {
    this.#backoff.wake();
    this.run();
  }

  stop() {
    this.#stopped = true;
    this.#entries = [];
    this.#backoff.wake();
  }

  async run() {
    if (this.#running) return;
    this.#running = true;
    while (this.#entries.length && !this.#stopped) {
      await this.#sendFirst();
    }
    this.#running = false;
  }

  async #sendFirst() {
    const entry = this.#entries[0];
    const answer = await this.#try(entry);
    if (this.#stopped) return;
    if (answer?.ok) {
      this.#leave(entry);
      this.#backoff.reset();
      this.#on.accepted(entry, answer.body);
    } else if (answer && !isPassing(answer.status)) {
      this.#leave(entry);
      this.#on.refused(entry, answer.status, answer.body);
    } else {
      this.#on.trouble(entry, answer?.body ?? null);
      await this.#backoff.pause();
    }
  }

  async #try(entry) {
    try {
      const response = await this.#post(entry);
      return { ok: response.ok, status: response.status, body: await bodyOf(response) };
    } catch {
      return null;
    }
  }

  #leave(entry) {
    this.#entries = this.#entries.filter((other) => other !== entry);
    this.#on.changed(this.#entries);
  }
}

function isPassing(status) {
  return status >= 500 || status === 408 || status === 429;
}

/** A fresh message id (UUID version 4); also where crypto.randomUUID is missing, as over plain http. */
export function newId() {
  if (crypto.randomUUID) return crypto.randomUUID();
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}

/** The JSON of an answer, or {} when a proxy answered with something else. */
export async function bodyOf(response) {
  try {
    return (await response.json()) ?? {};
  } catch {
    return {};
  }
}

/** What an error answer says to the reader, in her language; "" when it says nothing. */
export function errorText(body) {
  return [body?.error?.message, body?.error?.hint].filter(Boolean).join(" ");
}
