// The browser's end of one conversation: kept in this tab, sent and received without loss or double.

import { Outbox, bodyOf, errorText, newId } from "./outbox.js";
import { Backoff, readEvents } from "./stream.js";

const ANSWER_WITHIN_MS = 20_000;
const NOWHERE = "00000000-0000-0000-0000-000000000000";
const GONE = [401, 403, 404, 410];

class GoneError extends Error {}

/** What this tab remembers of a conversation; gone when the tab closes. */
export class Memory {
  #key;
  #values;

  constructor(municipality) {
    this.#key = `lotsa:${municipality}`;
    try {
      this.#values = JSON.parse(sessionStorage.getItem(this.#key)) ?? {};
    } catch {
      this.#values = {};
    }
  }

  get(name) {
    return this.#values[name];
  }

  set(values) {
    this.#values = { ...this.#values, ...values };
    try {
      sessionStorage.setItem(this.#key, JSON.stringify(this.#values));
    } catch {
      // storage is blocked: the conversation then lives as long as the page
    }
  }

  clear() {
    this.#values = {};
    try {
      sessionStorage.removeItem(this.#key);
    } catch {
      // nothing was stored
    }
  }
}

/** `page` shows what happens: begun(), notStarted(text), restored(messages), arrived(messages),
 *  pending(entry), settled(entry, seq), trouble(text), refused(entry, text), unstored(entry, messages),
 *  state(state), typing(data), connected(isConnected), ended(isErased). */
export class Conversation {
  #municipality;
  #language;
  #spoken; // of the replies; the page itself may not exist in it
  #memory;
  #page;
  #outbox;
  #cursor = 0; // the latest seq from the server's own order: answers to our posts never move it
  #held = []; // the parent's messages from the stream while one of ours waits for its seq
  #begun;
  #markBegun;
  #backoff = new Backoff();
  #listening = new AbortController();
  #stopped = false;
  #hasFailed = false; // no conversation could be started so far

  constructor({ municipality, language, memory, page }) {
    this.#municipality = municipality;
    this.#language = language;
    this.#memory = memory;
    this.#page = page;
    this.#begun = new Promise((resolve) => (this.#markBegun = resolve));
    this.#outbox = new Outbox({
      entries: memory.get("outbox") ?? [],
      post: (entry) => this.#post(entry),
      on: {
        changed: (entries) => this.#stopped || memory.set({ outbox: entries }),
        accepted: (entry, body) => this.#accepted(entry, body),
        refused: (entry, status, body) => this.#refused(entry, status, body),
        trouble: (entry, body) => this.#trouble(entry, body),
      },
    });
  }

  get isSending() {
    return this.#outbox.entries.length > 0;
  }

  /** Resumes what the tab remembers or starts anew, and follows it until stopped. `isLanguageChosen`:
   *  the page's language was asked for, so that a conversation in another one changes to it. */
  async begin(isLanguageChosen) {
    while (!this.#stopped) {
      try {
        await (this.#memory.get("conversation_id") ? this.#resume(isLanguageChosen) : this.#start());
        break;
      } catch (error) {
        if (error instanceof GoneError) return this.#end(false);
        this.#page.notStarted(error.fromServer ?? "");
        this.#hasFailed = true;
        await this.#backoff.pause();
      }
    }
    if (this.#stopped) return;
    this.#backoff.reset();
    this.#page.begun();
    this.#markBegun();
    this.#outbox.run();
    await this.#follow();
  }

  /** Sends {text} or {choice, label}; shown at once, kept until the server has said yes. */
  send(content) {
    const entry = { id: newId(), ...content };
    this.#page.pending(entry);
    this.#outbox.add(entry);
    if (this.#hasFailed && !this.#memory.get("conversation_id") && entry.text) this.#askUnstored(entry);
  }

  retryNow() {
    this.#backoff.wake();
    this.#outbox.retryNow();
  }

  /** Throws when the server did not take it. */
  async setLanguage(language) {
    if (!this.#memory.get("conversation_id")) return;
    try {
      await this.#ask("PUT", `${this.#path()}/language`, { language });
    } catch (error) {
      if (!(error instanceof GoneError)) throw error;
      this.#end(false);
    }
  }

  /** Erases everything, here and on the server. Throws when the server did not. */
  async erase() {
    if (this.#memory.get("conversation_id")) {
      try {
        await this.#ask("DELETE", this.#path());
      } catch (error) {
        if (!(error instanceof GoneError)) throw error;
      }
    }
    this.#end(true);
  }

  stop() {
    this.#stopped = true;
    this.#outbox.stop();
    this.#markBegun();
    this.#listening.abort();
    this.#backoff.wake();
  }

  /** The browser has lost its network: what hangs is dropped, so that it starts over when it is back. */
  lostNetwork() {
    this.#page.connected(false);
    this.#listening.abort();
  }

  #path() {
    return `/api/conversations/${encodeURIComponent(this.#memory.get("conversation_id"))}`;
  }

  async #start() {
    const started = await this.#ask("POST", "/api/conversations", {
      municipality: this.#municipality,
      language: this.#language,
    });
    this.#memory.set({ conversation_id: started.conversation_id, token: started.token });
    this.#receive(started.messages ?? []);
  }

  // With no conversation to write in, the server can still answer danger: the message goes to one that
  // does not exist. The message itself waits in the outbox as usual.
  async #askUnstored(entry) {
    try {
      const response = await this.#fetch("POST", `/api/conversations/${NOWHERE}/messages`, {
        body: JSON.stringify({ id: entry.id, text: entry.text }),
        headers: { Authorization: `Bearer ${this.#municipality}.` },
        signal: AbortSignal.timeout(ANSWER_WITHIN_MS),
      });
      const { messages } = await bodyOf(response);
      if (messages?.length) this.#page.unstored(entry, messages);
    } catch {
      // the server cannot be reached at all; the page itself carries the emergency numbers
    }
  }

  async #resume(isLanguageChosen) {
    const { messages, state } = await this.#ask("GET", `${this.#path()}/messages?after=0`);
    if (isLanguageChosen && state.language !== this.#language) {
      await this.setLanguage(this.#language);
      state.language = this.#language;
    }
    this.#advance(messages);
    this.#page.restored(messages);
    for (const entry of this.#outbox.entries) this.#page.pending(entry);
    this.#heard(state);
  }

  #heard(state) {
    this.#spoken = state.language ?? this.#spoken;
    this.#page.state(state);
  }

  async #follow() {
    while (!this.#stopped) {
      try {
        await this.#catchUp();
        await this.#listen();
      } catch (error) {
        if (error instanceof GoneError) return this.#end(false);
      }
      if (!this.#stopped) await this.#backoff.pause();
    }
  }

  async #catchUp() {
    try {
      const { messages, state } = await this.#ask("GET", `${this.#path()}/messages?after=${this.#cursor}`);
      this.#receive(messages);
      this.#page.connected(true);
      this.#heard(state);
    } catch (error) {
      this.#page.connected(error.fromServer !== undefined);
      throw error;
    }
  }

  async #listen() {
    this.#listening = new AbortController();
    const { signal } = this.#listening;
    const timer = setTimeout(() => this.#listening.abort(), ANSWER_WITHIN_MS);
    const response = await this.#fetch("GET", `${this.#path()}/events`, {
      headers: { Accept: "text/event-stream", "Last-Event-ID": String(this.#cursor) },
      signal,
    }).finally(() => clearTimeout(timer));
    if (GONE.includes(response.status)) throw new GoneError();
    if (!response.ok) throw new Error(`the stream answered ${response.status}`);
    this.#backoff.reset();
    for await (const event of readEvents(response, signal)) {
      this.#take(event.event, JSON.parse(event.data));
    }
  }

  #take(event, data) {
    if (event === "message") this.#receive([data]);
    else if (event === "state") this.#heard(data);
    else if (event === "typing") this.#page.typing(data);
    else if (event === "erased") this.#end(true);
  }

  #receive(messages) {
    this.#advance(messages);
    const isHeld = (message) => message.author === "parent" && this.isSending;
    this.#held.push(...messages.filter(isHeld));
    this.#page.arrived(messages.filter((message) => !isHeld(message)));
  }

  #advance(messages) {
    for (const message of messages) this.#cursor = Math.max(this.#cursor, message.seq);
  }

  async #post(entry) {
    await this.#begun;
    const content = entry.choice === undefined ? { text: entry.text } : { choice: entry.choice };
    return this.#fetch("POST", `${this.#path()}/messages`, {
      body: JSON.stringify({ id: entry.id, ...content }),
      signal: AbortSignal.timeout(ANSWER_WITHIN_MS),
    });
  }

  #accepted(entry, body) {
    if (body.erased) return this.#end(true);
    this.#page.settled(entry, body.seq);
    this.#page.arrived(body.messages ?? []);
    this.#release();
  }

  #refused(entry, status, body) {
    if (body.messages?.length) this.#page.unstored(entry, body.messages);
    if (GONE.includes(status)) return this.#end(false);
    this.#page.refused(entry, errorText(body));
    this.#release();
  }

  #trouble(entry, body) {
    if (body?.messages?.length) this.#page.unstored(entry, body.messages);
    this.#page.trouble(errorText(body));
  }

  #release() {
    if (this.isSending) return;
    this.#page.arrived(this.#held);
    this.#held = [];
  }

  #end(isErased) {
    this.stop();
    this.#memory.clear();
    this.#page.ended(isErased);
  }

  #fetch(method, path, options) {
    const token = this.#memory.get("token");
    return fetch(path, {
      ...options,
      method,
      cache: "no-store",
      headers: {
        "Accept-Language": [this.#spoken, this.#language].filter(Boolean).join(", "),
        ...(token && { Authorization: `Bearer ${token}` }),
        ...(options.body && { "Content-Type": "application/json" }),
        ...options.headers,
      },
    });
  }

  // An error that came from the server carries its text in `fromServer`.
  async #ask(method, path, body) {
    const isOurs = Boolean(this.#memory.get("conversation_id"));
    const response = await this.#fetch(method, path, {
      body: body && JSON.stringify(body),
      signal: AbortSignal.timeout(ANSWER_WITHIN_MS),
    });
    if (isOurs && GONE.includes(response.status)) throw new GoneError();
    const answer = await bodyOf(response);
    if (response.ok) return answer;
    throw Object.assign(new Error(`${method} answered ${response.status}`), { fromServer: errorText(answer) });
  }
}
