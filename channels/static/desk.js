// The guide's place: how many conversations she takes, whether she is away, and what becomes of them.

/** `places` are {held, capacity, away, state, leave, full}; `ask` talks to the server. */
export class Desk {
  #places;
  #ask;
  #say;
  #said;
  #trouble;
  #desk = { held: 0, capacity: 0, is_away: false };

  constructor(places, { ask, say, said, trouble }) {
    this.#places = places;
    this.#ask = ask;
    this.#say = say;
    this.#said = said;
    this.#trouble = trouble;
    places.capacity.addEventListener("change", () => this.#change({}));
    places.away.addEventListener("click", () => this.#pressAway());
    places.leave.addEventListener("close", () => {
      const answer = places.leave.returnValue;
      if (answer === "keep" || answer === "release") this.#change({ is_away: true, release: answer === "release" });
    });
  }

  show(desk) {
    this.#desk = desk;
    const { held, capacity, away, state } = this.#places;
    setText(held, this.#say("desk_held", desk));
    if (document.activeElement !== capacity) capacity.value = desk.capacity;
    away.setAttribute("aria-pressed", String(desk.is_away));
    setText(away, desk.is_away ? away.dataset.back : away.dataset.away);
    setText(state, desk.is_away ? state.dataset.text : "");
  }

  /** Asks whether to take one more than she said; true for yes. */
  async takesAnyway(message) {
    const { full } = this.#places;
    full.querySelector("p").textContent = this.#say("full", { message });
    full.returnValue = "";
    full.showModal();
    await new Promise((resolve) => full.addEventListener("close", resolve, { once: true }));
    return full.returnValue === "anyway";
  }

  #pressAway() {
    if (this.#desk.is_away) return this.#change({ is_away: false });
    if (!this.#desk.held) return this.#change({ is_away: true });
    this.#places.leave.returnValue = "";
    this.#places.leave.showModal();
  }

  async #change(change) {
    const capacity = Math.max(1, Math.min(50, Number(this.#places.capacity.value) || this.#desk.capacity));
    try {
      const { released } = await this.#ask("POST", "/desk", { capacity, is_away: this.#desk.is_away, ...change });
      this.#said(released ? this.#say("released", { count: released }) : "");
    } catch (error) {
      this.#trouble(error);
    }
  }
}

function setText(place, text) {
  if (place.textContent !== text) place.textContent = text;
}
