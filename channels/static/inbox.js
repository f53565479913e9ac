// The list of conversations: tabs, filter, order. Rows stay the same elements while they are shown,
// so that what comes in never takes the focus or the place of what is being read.

import { element } from "./message.js";

const CLOSED = ["returned", "closed", "expired"];
const LEVELS = ["acute", "coordinator", "guide", "information"];
const COLUMNS = ["level", "promised", "waited", "language", "channel", "area"];
const TABS = ["waiting", "mine", "paused", "booked", "colleagues", "closed"];
const shortDay = new Intl.DateTimeFormat("sv", { timeZone: "Europe/Stockholm", weekday: "short", day: "numeric", month: "short" });
const clock = new Intl.DateTimeFormat("sv", { timeZone: "Europe/Stockholm", hour: "2-digit", minute: "2-digit" });
const collator = new Intl.Collator("sv");
const languageNames = new Intl.DisplayNames(["sv"], { type: "language" });

/** Where a conversation is listed. A state of a newer server is listed as waiting, never lost. */
export function tabOf(handoff) {
  if (CLOSED.includes(handoff.state)) return "closed";
  if (handoff.state === "paused") return handoff.booked ? "booked" : "paused";
  if (handoff.mine) return "mine";
  return handoff.claimed_by ? "colleagues" : "waiting";
}

export function isClosed(handoff) {
  return CLOSED.includes(handoff.state);
}

export function languageName(code) {
  try {
    return languageNames.of(code);
  } catch {
    return code;
  }
}

/** `places` are {tabs, filter, table, rows, empty, shown}; `on` are {claim(id), open(id)}. */
export class Inbox {
  #places;
  #say;
  #sayTime;
  #on;
  #all = [];
  #rows = new Map(); // handoff id → {row, cells, button}
  #tab = "waiting";
  #order = { column: null, isDescending: false };
  #state = { openId: null, unseen: new Set() };

  constructor(places, { say, sayTime }, on) {
    this.#places = places;
    this.#say = say;
    this.#sayTime = sayTime;
    this.#on = on;
    places.filter.addEventListener("input", () => this.#draw());
    places.table.tHead.addEventListener("click", (event) => {
      const column = event.target.closest("[data-sort]")?.dataset.sort;
      if (column) this.#sortBy(column);
    });
    places.tabs.addEventListener("click", (event) => {
      const tab = event.target.closest("[data-tab]")?.dataset.tab;
      if (tab) this.choose(tab);
    });
    places.tabs.addEventListener("keydown", (event) => this.#stepTabs(event));
  }

  /** Shows the list as it is now. `state` is {openId, unseen}. */
  show(handoffs, state) {
    this.#all = handoffs;
    this.#state = state;
    this.#draw();
  }

  choose(tab) {
    this.#tab = tab;
    for (const one of this.#places.tabs.children) {
      one.setAttribute("aria-selected", String(one.dataset.tab === tab));
      one.tabIndex = one.dataset.tab === tab ? 0 : -1;
    }
    this.#draw();
  }

  chooseNumber(number) {
    const tab = TABS[number - 1];
    if (!tab) return;
    this.choose(tab);
    this.#places.tabs.querySelector(`[data-tab="${tab}"]`).focus();
  }

  sortByNext() {
    const next = COLUMNS[(COLUMNS.indexOf(this.#order.column) + 1) % COLUMNS.length];
    this.#order = { column: next, isDescending: false };
    this.#draw();
  }

  /** Moves the focus to the next (1) or former (-1) row. */
  step(by) {
    const rows = [...this.#places.rows.children];
    const at = rows.findIndex((row) => row.contains(document.activeElement));
    const row = rows[Math.max(0, Math.min(rows.length - 1, at < 0 ? 0 : at + by))];
    const button = row?.querySelector(":is(button, a):not([hidden])");
    (button ?? row)?.focus();
  }

  #stepTabs(event) {
    const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!by) return;
    event.preventDefault();
    const next = TABS[(TABS.indexOf(this.#tab) + by + TABS.length) % TABS.length];
    this.choose(next);
    this.#places.tabs.querySelector(`[data-tab="${next}"]`).focus();
  }

  #sortBy(column) {
    const isSame = this.#order.column === column;
    this.#order = { column, isDescending: isSame && !this.#order.isDescending };
    this.#draw();
  }

  #draw() {
    const inTab = this.#all.filter((handoff) => tabOf(handoff) === this.#tab);
    const shown = this.#inOrder(inTab.filter((handoff) => this.#isWanted(handoff)));
    this.#placeRows(shown);
    this.#countTabs();
    for (const head of this.#places.table.querySelectorAll("[data-sort]")) {
      const isSorted = head.dataset.sort === this.#order.column;
      const way = this.#order.isDescending ? "descending" : "ascending";
      head.closest("th").setAttribute("aria-sort", isSorted ? way : "none");
    }
    const nothing = inTab.length ? "none_matching" : "none_shown";
    setText(this.#places.empty, shown.length ? "" : this.#say(nothing));
    const isFiltered = shown.length < inTab.length;
    setText(this.#places.shown, isFiltered ? this.#say("shown", { count: shown.length, all: inTab.length }) : "");
  }

  // The focused row is never lifted out of the page: the others are moved around it.
  #placeRows(shown) {
    const wanted = shown.map((handoff) => this.#row(handoff));
    const focused = document.activeElement;
    for (const row of [...this.#places.rows.children]) if (!wanted.includes(row)) row.remove();
    const kept = wanted.findIndex((row) => row.contains(focused));
    if (kept < 0) return this.#fill(wanted, null);
    this.#fill(wanted.slice(0, kept), wanted[kept]);
    this.#fill(wanted.slice(kept + 1), null);
  }

  #fill(rows, end) {
    let next = end;
    for (const row of rows.reverse()) {
      if (row.nextElementSibling !== next || !row.isConnected) this.#places.rows.insertBefore(row, next);
      next = row;
    }
  }

  #row(handoff) {
    if (!this.#rows.has(handoff.id)) this.#rows.set(handoff.id, this.#newRow(handoff.id));
    const made = this.#rows.get(handoff.id);
    const { cells, button, peek, row } = made;
    const tab = tabOf(handoff);
    const texts = this.#texts(handoff);
    const level = LEVELS.includes(handoff.level) ? handoff.level : "unknown";
    setClass(cells.level.firstChild, `badge badge-${level}`);
    setText(cells.level.firstChild, texts.level);
    setText(cells.level.lastChild, tab === "mine" && this.#state.unseen.has(handoff.id) ? this.#say("unseen") : "");
    setClass(cells.promised, this.#isLate(handoff) ? "late" : "");
    for (const column of COLUMNS.slice(1)) setText(cells[column], texts[column]);
    const isOpen = handoff.id === this.#state.openId;
    setClass(row, `level-${level}${isOpen ? " row-open" : ""}`);
    const action = tab === "waiting" || tab === "paused" || tab === "booked" ? "claim" : isOpen ? "opened" : "open";
    const isMine = tab === "mine";
    button.hidden = tab === "colleagues" || tab === "closed";
    setText(button, this.#say(action));
    button.setAttribute("aria-label", this.#say("row", { action: this.#say(action), level: texts.level, case: this.case(handoff.id) }));
    button.toggleAttribute("aria-current", isOpen);
    button.onclick = () => (isMine ? this.#on.open(handoff.id) : this.#on.claim(handoff.id));
    peek.hidden = isMine;
    setText(cells.who, tab === "colleagues" ? this.#say("at", { name: handoff.claimed_by }) : "");
    return row;
  }

  #newRow(id) {
    const level = element("th", { scope: "row", role: "rowheader" }, element("span", { class: "badge" }, " "), element("span", { class: "unseen" }, " "));
    const cells = { level };
    for (const column of COLUMNS.slice(1)) cells[column] = element("td", { "data-column": column, role: "cell" });
    const button = element("button", { class: "button", type: "button", "data-handoff": id });
    cells.who = element("span", {});
    const number = element("span", { class: "case" }, this.case(id));
    const peek = this.#newPeek(id);
    const inside = element("div", { class: "row-action" }, number, cells.who, button, peek);
    const action = element("td", { "data-column": "action", role: "cell" }, inside);
    const row = element("tr", { role: "row", tabindex: "-1" }, level, ...COLUMNS.slice(1).map((column) => cells[column]), action);
    return { row, cells, button, peek };
  }

  // Leads to a page that asks why; nothing is shown and nothing logged before that.
  #newPeek(id) {
    const label = this.#say("peek_row", { case: this.case(id) });
    return element("a", { class: "peek", href: `/console/samtal/${id}/oppna`, "aria-label": label }, this.#say("peek"));
  }

  case(id) {
    return this.#say("case", { number: String(id).slice(0, 8) });
  }

  #texts(handoff) {
    const level = LEVELS.includes(handoff.level) ? handoff.level : "unknown";
    return {
      level: this.#say(`level_${level}`),
      promised: this.#promised(handoff),
      waited: this.#waited(handoff),
      language: languageName(handoff.language),
      channel: this.#say(`channel_${handoff.channel}`) || handoff.channel,
      area: handoff.area ?? this.#say("no_area"),
    };
  }

  #promised(handoff) {
    if (isClosed(handoff) || !handoff.promised) return isClosed(handoff) ? "" : this.#say("no_promise");
    const time = this.#shortTime(handoff.promised);
    if (tabOf(handoff) === "booked" && !this.#isLate(handoff)) return this.#say(`booked_${handoff.booked}`, { time });
    return this.#say(this.#isLate(handoff) ? "late" : "by", { time });
  }

  /** Today only the clock, another day the day too, short enough for a column. */
  #shortTime(value) {
    const moment = new Date(value);
    if (shortDay.format(moment) === shortDay.format(new Date())) return this.#sayTime(value);
    return this.#say("time_other", { date: shortDay.format(moment), clock: clock.format(moment).replace(":", ".") });
  }

  #isLate(handoff) {
    return !isClosed(handoff) && handoff.promised && new Date(handoff.promised) < new Date();
  }

  #waited(handoff) {
    const minutes = Math.max(0, Math.round(handoff.waiting_minutes));
    if (minutes < 60) return this.#say("waited", { minutes });
    const hours = Math.floor(minutes / 60);
    if (hours < 48) return this.#say("waited_hours", { hours, minutes: minutes % 60 });
    return this.#say("waited_days", { days: Math.floor(hours / 24) });
  }

  #isWanted(handoff) {
    const words = this.#places.filter.value.toLowerCase().split(/\s+/).filter(Boolean);
    if (!words.length) return true;
    const { level, language, channel, area } = this.#texts(handoff);
    const wanted = this.#say(`function_${handoff.function}`);
    const text = [level, language, channel, area, wanted, this.case(handoff.id)].join(" ").toLowerCase();
    return words.every((word) => text.includes(word));
  }

  #inOrder(handoffs) {
    const { column, isDescending } = this.#order;
    if (!column) return handoffs;
    const value = {
      level: (handoff) => LEVELS.indexOf(handoff.level),
      promised: (handoff) => handoff.promised ?? "9999",
      waited: (handoff) => handoff.requested_at,
    }[column] ?? ((handoff) => this.#texts(handoff)[column]);
    const compare = (a, b) => (typeof a === "number" ? a - b : collator.compare(a, b));
    const keyed = handoffs.map((handoff) => [value(handoff), handoff]);
    const sorted = keyed.sort(([a], [b]) => compare(a, b)).map(([, handoff]) => handoff);
    return isDescending ? sorted.reverse() : sorted;
  }

  #countTabs() {
    const counts = Object.groupBy(this.#all, tabOf);
    for (const tab of this.#places.tabs.children) {
      const count = counts[tab.dataset.tab]?.length ?? 0;
      setText(tab, this.#say("tab_count", { name: tab.dataset.name, count }));
    }
  }
}

function setText(place, text) {
  if (place.textContent !== text) place.textContent = text;
}

function setClass(place, name) {
  if (place.className !== name) place.className = name;
}
