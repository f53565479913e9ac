// What a reader can do with the page: larger text, read aloud, print, save.

const SIZES = ["normal", "large", "larger"];

const byId = (id) => document.getElementById(id);

/** `messages()` gives the items on the screen, in order. Returns {quiet}: stops what is read aloud. */
export function readMore({ say, lang, memory, messages }) {
  setSize(memory.get("size"));
  for (const button of document.querySelectorAll("[data-size]")) {
    button.addEventListener("click", () => {
      setSize(button.dataset.size);
      memory.set({ size: button.dataset.size });
    });
  }
  byId("print").addEventListener("click", () => window.print());
  byId("save").addEventListener("click", () => save(messages()));
  return reader({ say, lang, messages });
}

function setSize(size) {
  const chosen = SIZES.includes(size) ? size : SIZES[0];
  document.documentElement.dataset.textSize = chosen;
  for (const button of document.querySelectorAll("[data-size]")) {
    button.setAttribute("aria-pressed", String(button.dataset.size === chosen));
  }
}

/** The conversation as text, in a file whose name says nothing. */
function save(items) {
  const text = items.map(textOf).join("\n\n");
  const address = URL.createObjectURL(new Blob(["\ufeff", text], { type: "text/plain;charset=utf-8" }));
  const link = document.createElement("a");
  link.href = address;
  link.download = byId("save").dataset.name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(address), 1000);
}

function textOf(item) {
  const [byline, content] = [".byline", ".content"].map((part) => item.querySelector(part));
  return `${byline.textContent.trim()}\n${content.innerText.trim()}`;
}

// Only voices of the device itself: another would send the conversation to whoever sells the voice.
function voiceFor(lang) {
  const voices = window.speechSynthesis?.getVoices() ?? [];
  return voices.find((voice) => voice.localService && voice.lang.toLowerCase().split(/[-_]/)[0] === lang);
}

function reader({ say, lang, messages }) {
  const button = byId("read-aloud");
  const speech = window.speechSynthesis;
  const quiet = () => speech?.cancel();
  if (!speech) return { quiet };

  const offer = () => (button.hidden = !voiceFor(lang));
  const show = (isReading) => (button.textContent = say(isReading ? "read_stop" : "read_aloud"));
  speech.addEventListener("voiceschanged", offer);
  offer();
  window.addEventListener("pagehide", quiet);
  button.addEventListener("click", () => {
    if (speech.speaking) return quiet();
    const latest = latestAnswer(messages());
    if (!latest.length) return;
    const parts = latest.map((item) => item.querySelector(".content")).map((content) => {
      const spoken = new SpeechSynthesisUtterance(content.innerText);
      spoken.lang = content.lang || lang;
      spoken.voice = voiceFor(spoken.lang) ?? null;
      return spoken;
    }).filter((spoken) => spoken.voice);
    if (!parts.length) return;
    show(true);
    parts.at(-1).addEventListener("end", () => show(false));
    for (const spoken of parts) {
      spoken.addEventListener("error", () => show(false));
      speech.speak(spoken);
    }
  });
  return { quiet };
}

/** What was said since the parent last wrote. */
function latestAnswer(items) {
  const own = items.findLastIndex((item) => item.matches(".message-parent"));
  return items.slice(own + 1);
}
