// The conversation on the screen: history and new messages, in the ledger's order, each shown once.

import { messageItem, setChoices } from "./message.js";

const NEAR_PX = 80;

/** `places` are the elements {scroller, history, fresh, unread}. Only `fresh` is read aloud, so what
 *  has been read moves to `history` when the reader answers. `page` is {words, level, own, choose?};
 *  `own` is the author this reader writes as. */
export class Thread {
  #places;
  #page;
  #bySeq = new Map();
  #pending = new Map(); // client id → item that has no seq yet
  #aim = 0;
  #unread = new Set();

  constructor(places, page) {
    this.#places = places;
    this.#page = page;
    places.unread.addEventListener("click", () => this.#goToUnread());
    for (const target of [places.scroller, window]) {
      target.addEventListener("scroll", () => this.#countUnread(), { passive: true });
    }
  }

  /** The first load: as history, without being read aloud. */
  restore(messages) {
    for (const message of messages) this.#keep(message, this.#places.history);
    this.#follow(true);
  }

  /** New messages from the server; those already shown only take over the stored text. Returns the
   *  new ones. `isOpening`: they are the first words, and nothing of them is called unread. */
  show(messages, isOpening = false) {
    const wasFollowing = this.#isFollowing();
    const added = messages.filter((message) => {
      const item = this.#keep(message, this.#places.fresh);
      if (item && !isOpening) this.#unread.add(item);
      return item;
    });
    this.#follow(wasFollowing);
    return added;
  }

  /** More words under a message, from this page and not from the ledger. */
  addTo({ seq, language }, text) {
    const wasFollowing = this.#isFollowing();
    const words = Object.assign(document.createElement("p"), { className: "message-added", lang: language, dir: "auto" });
    words.textContent = text;
    this.#bySeq.get(seq)?.querySelector(".content")?.append(words);
    this.#follow(wasFollowing);
  }

  /** A message the reader just sent, before the server has said yes. */
  addPending(id, message) {
    this.#retire();
    const item = this.#make(message);
    this.#pending.set(id, item);
    this.#places.history.append(item);
    this.#follow(true);
  }

  setSending(id, text) {
    const place = this.#pending.get(id)?.querySelector(".sending");
    if (place && place.textContent !== text) place.textContent = text;
  }

  setAllSending(text) {
    for (const id of this.#pending.keys()) this.setSending(id, text);
  }

  /** The server has said yes: the pending message gets its place in the order. */
  settle(id, seq) {
    const item = this.#pending.get(id);
    if (!item) return;
    this.setSending(id, "");
    this.#pending.delete(id);
    if (this.#bySeq.has(seq)) {
      item.remove();
    } else {
      this.#bySeq.set(seq, item);
      item.dataset.seq = seq;
      this.#place(item, seq, this.#places.history);
    }
    this.#refreshChoices();
  }

  /** The server will never take it: the message goes and its choices open again. */
  drop(id) {
    const item = this.#pending.get(id);
    this.#pending.delete(id);
    item?.remove();
    this.#refreshChoices();
  }

  /** An answer that could not be stored (no seq); it is shown once per sent message. */
  showUnstored(id, messages) {
    this.forgetUnstored(id);
    const items = messages.map((message) => this.#make(message));
    for (const item of items) item.dataset.unstored = id;
    this.#places.fresh.append(...items);
    this.#follow(true);
  }

  forgetUnstored(id) {
    for (const list of [this.#places.history, this.#places.fresh]) {
      for (const item of list.querySelectorAll(`[data-unstored="${CSS.escape(id)}"]`)) item.remove();
    }
  }

  clear() {
    this.#places.history.replaceChildren();
    this.#places.fresh.replaceChildren();
    this.#bySeq.clear();
    this.#pending.clear();
    this.#unread.clear();
    this.#countUnread();
  }

  #make(message) {
    const item = messageItem(message, this.#page);
    item.dataset.author = message.author;
    item.dataset.text = message.text ?? "";
    if (message.author === this.#page.own) item.classList.add("message-own");
    return item;
  }

  #keep(message, list) {
    const item = this.#make(message);
    const shown = this.#bySeq.get(message.seq);
    this.#bySeq.set(message.seq, item);
    item.dataset.seq = message.seq;
    if (shown) {
      if (shown.dataset.text === item.dataset.text) this.#bySeq.set(message.seq, shown);
      else shown.replaceWith(item);
      return null;
    }
    this.#place(item, message.seq, list);
    return item;
  }

  #place(item, seq, list) {
    const before = this.#items().findLast((other) => other !== item && Number(other.dataset.seq) < seq);
    const following = this.#items().find((other) => other !== item && Number(other.dataset.seq) > seq);
    if (following) return before ? before.after(item) : following.before(item);
    const isAfterNew = before?.parentNode === this.#places.fresh;
    if (isAfterNew) this.#places.fresh.append(item);
    else if (!item.isConnected) list.append(item);
  }

  /** The last words are an answer to danger. */
  endsInDanger() {
    return Boolean(this.#items().at(-1)?.matches(".message-acute"));
  }

  #items() {
    return [...this.#places.history.children, ...this.#places.fresh.children];
  }

  #retire() {
    this.#places.history.append(...this.#places.fresh.children);
  }

  // Choices are open only after the parent's latest message.
  #refreshChoices() {
    if (!this.#page.choose) return;
    let answer = null;
    for (const item of this.#items().reverse()) {
      setChoices(item, answer === null, answer, this.#page.words);
      if (item.dataset.author === "parent") answer = item.dataset.text;
    }
  }

  // On a low screen the page scrolls, otherwise the region.
  #view() {
    const { scroller } = this.#places;
    return getComputedStyle(scroller).overflowY === "visible" ? document.scrollingElement : scroller;
  }

  #isFollowing() {
    const view = this.#view();
    const left = view.scrollHeight - view.clientHeight - view.scrollTop;
    return left < NEAR_PX || Math.abs(view.scrollTop - this.#aim) < NEAR_PX;
  }

  #follow(isFollowing) {
    this.#refreshChoices();
    const view = this.#view();
    if (isFollowing) {
      const bottom = view.scrollHeight - view.clientHeight;
      const anchor = this.#items().findLast((item) => this.#isAnchor(item));
      const top = anchor ? this.#topIn(view, anchor) - 12 : 0;
      this.#aim = Math.max(0, Math.min(bottom, top));
      view.scrollTop = this.#aim;
    }
    this.#countUnread();
  }

  // What stays in sight while answers grow below it: the latest of the parent's and the reader's own
  // messages and the answers to danger.
  #isAnchor(item) {
    const { author } = item.dataset;
    return author === "parent" || author === this.#page.own || item.matches(".message-acute");
  }

  #topIn(view, item) {
    const edge = view === document.scrollingElement ? 0 : view.getBoundingClientRect().top;
    return item.getBoundingClientRect().top - edge + view.scrollTop;
  }

  #countUnread() {
    const view = this.#view();
    for (const item of this.#unread) {
      const isSeen = this.#topIn(view, item) < view.scrollTop + view.clientHeight - 24;
      if (isSeen || !item.isConnected) this.#unread.delete(item);
    }
    const { unread } = this.#places;
    unread.hidden = this.#unread.size === 0;
    unread.textContent = this.#page.words.say("unread", { count: this.#unread.size });
  }

  #goToUnread() {
    const [first] = this.#unread;
    const view = this.#view();
    this.#aim = this.#topIn(view, first) - 12;
    view.scrollTop = this.#aim;
    this.#places.scroller.focus({ preventScroll: true });
    this.#countUnread();
  }
}
