// What comes while nobody looks: a number in the tab's title, which says nothing else.

import { isShut, onOpen, tellUnread } from "./embed.js";

export class Away {
  #title = document.title;
  #unread = 0;

  constructor() {
    document.addEventListener("visibilitychange", () => this.#back());
    onOpen(() => this.#back());
  }

  /** So many messages have come. */
  count(number) {
    if (this.#isHere() || !number) return;
    this.#show(this.#unread + number);
  }

  #isHere() {
    return !document.hidden && !isShut();
  }

  #back() {
    if (this.#isHere()) this.#show(0);
  }

  #show(number) {
    this.#unread = number;
    document.title = number ? `(${number}) ${this.#title}` : this.#title;
    tellUnread(number);
  }
}
