// The panels beside a conversation: pieces the server has made. Whatever a panel suggests is put in
// the draft; nothing is ever sent from here.

const PANELS = ["brief", "matches", "canned", "notes", "support", "leave"];

/** `places` are {tabs, panel(name)}; `ask(method, path, body)` answers with a response;
 *  `on` are {insert(text, original), passed(to), promised(by), met(meeting), said(text), trouble(text)}. */
export class Aside {
  #places;
  #ask;
  #say;
  #on;
  #id = null;
  #name = "brief";

  constructor(places, { ask, say, on }) {
    this.#places = places;
    this.#ask = ask;
    this.#say = say;
    this.#on = on;
    places.tabs.addEventListener("click", (event) => {
      const name = event.target.closest("[data-panel]")?.dataset.panel;
      if (name) this.choose(name);
    });
    places.tabs.addEventListener("keydown", (event) => this.#stepTabs(event));
    for (const name of PANELS) {
      places.panel(name).addEventListener("click", (event) => this.#press(event));
      places.panel(name).addEventListener("submit", (event) => this.#submit(event, name));
    }
  }

  /** Another conversation: its brief is shown first. */
  open(id) {
    this.#id = id;
    for (const name of PANELS) {
      if (name !== "brief") this.#content(name).replaceChildren();
    }
    this.choose("brief");
  }

  async choose(name, isFocused = false) {
    this.#name = name;
    for (const tab of this.#places.tabs.children) {
      const isChosen = tab.dataset.panel === name;
      tab.setAttribute("aria-selected", String(isChosen));
      tab.tabIndex = isChosen ? 0 : -1;
      if (isChosen && isFocused) tab.focus();
      this.#places.panel(tab.dataset.panel).hidden = !isChosen;
    }
    if (name !== "brief") await this.#load(name);
  }

  chooseNext() {
    return this.choose(PANELS[(PANELS.indexOf(this.#name) + 1) % PANELS.length], true);
  }

  /** Puts the assistant's next question in the draft, from whichever panel is shown. */
  async insertQuestion() {
    if (this.#name !== "matches") await this.choose("matches");
    this.#content("matches").querySelector('[data-key="q"]')?.click();
  }

  #content(name) {
    return this.#places.panel(name).querySelector("[data-content]");
  }

  async #load(name, query = "") {
    const id = this.#id;
    const path = `/handoffs/${encodeURIComponent(id)}/panel/${name}${query}`;
    await this.#trying(async () => {
      const response = await this.#ask("GET", path);
      if (this.#id === id) await this.#show(name, response);
    });
  }

  async #show(name, response) {
    if (!response.ok) throw new Error(`panel ${name}: ${response.status}`);
    // The server has escaped whatever a person wrote; scripts in it would not run (see the CSP).
    const made = new DOMParser().parseFromString(await response.text(), "text/html");
    this.#content(name).replaceChildren(...made.body.childNodes);
  }

  async #trying(work) {
    this.#on.trouble("");
    try {
      await work();
    } catch {
      this.#on.trouble(this.#say("panel_trouble"));
    }
  }

  #press(event) {
    const button = event.target.closest("button");
    if (button?.dataset.insert) {
      this.#on.insert(button.dataset.insert, button.dataset.original ?? "");
    } else if (button?.dataset.copy) {
      const text = document.getElementById(button.dataset.copy);
      text.select();
      navigator.clipboard?.writeText(text.value).then(() => this.#on.said(this.#say("copied")));
    }
  }

  async #submit(event, name) {
    const form = event.target;
    if (!form.matches("[data-get], [data-post], [data-pass], [data-promise], [data-meeting]")) return;
    event.preventDefault();
    const fields = {};
    for (const [key, value] of new FormData(form, event.submitter)) (fields[key] ??= []).push(value);
    if (form.matches("[data-pass]")) return this.#on.passed(fields.to[0]);
    if (form.matches("[data-promise]")) return this.#on.promised(fields.by[0]);
    if (form.matches("[data-meeting]")) {
      const meeting = Object.fromEntries(Object.entries(fields).map(([key, [value]]) => [key, value]));
      return this.#on.met({ ...meeting, minutes: Number(meeting.minutes) });
    }
    if (form.matches("[data-get]")) {
      const query = new URLSearchParams(Object.entries(fields).map(([key, [value]]) => [key, value]));
      await this.#load(name, `?${query}`);
      return this.#places.panel(name).focus();
    }
    const path = `/handoffs/${encodeURIComponent(this.#id)}/panel/${name}`;
    await this.#trying(async () => {
      await this.#show(name, await this.#ask("POST", path, { fields }));
      this.#on.said(this.#say("saved"));
      this.#places.panel(name).focus();
    });
  }

  #stepTabs(event) {
    const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!by) return;
    event.preventDefault();
    this.choose(PANELS[(PANELS.indexOf(this.#name) + by + PANELS.length) % PANELS.length], true);
  }
}
