// The parent's chat page.

import { sendFrom } from "./composer.js";
import { Away } from "./away.js";
import { Conversation, Memory } from "./conversation.js";
import { beforeLeaving } from "./header.js";
import { readMore } from "./more.js";
import { newCode } from "./pause.js";
import { Thread } from "./thread.js";
import { wordsFrom } from "./words.js";

const TYPING_SHOWN_MS = 10_000;
const PAUSED = "utter_pause";

const byId = (id) => document.getElementById(id);
const config = JSON.parse(byId("config").textContent);
const askedLanguage = new URLSearchParams(location.search).get("lang");
const words = wordsFrom(config, "web_live_");
const { say, sayTime } = words;
const box = byId("text");
const dialog = byId("erase-dialog");

const memory = new Memory(config.municipality);
const away = new Away();
const thread = new Thread(
  { scroller: byId("scroller"), history: byId("history"), fresh: byId("new"), unread: byId("unread") },
  { words, level: 3, own: "parent", choose: (choice, label) => conversation.send({ choice, label }) },
);

const more = readMore({ say, lang: config.lang, memory, messages: () => [...document.querySelectorAll(".message")] });
let isOpening = true; // the first words of a new conversation: there to be read from the top

const page = {
  begun() {
    showTrouble("");
  },

  restored(messages) {
    isOpening = false;
    thread.restore(messages);
  },

  arrived(messages) {
    const others = messages.filter((message) => message.author !== "parent");
    if (others.length) showTyping("");
    const shown = thread.show(messages, isOpening).filter((message) => message.author !== "parent");
    away.count(shown.length);
    isOpening = false;
    giveCodeAfter(shown.find((message) => message.reply_id === PAUSED));
  },

  pending(entry) {
    thread.addPending(entry.id, {
      author: "parent",
      text: entry.label ?? entry.text,
      language: config.lang,
      dir: "auto",
      sent_at: new Date().toISOString(),
    });
    thread.setSending(entry.id, say("sending"));
  },

  settled(entry, seq) {
    showTrouble("");
    thread.forgetUnstored(entry.id);
    thread.settle(entry.id, seq);
  },

  refused(entry, text) {
    thread.drop(entry.id);
    if (entry.text && !box.value) setBox(entry.text);
    showTrouble(text || say("error_other"));
  },

  unstored(entry, messages) {
    thread.showUnstored(entry.id, messages);
  },

  trouble(text) {
    thread.setAllSending(say("not_sent"));
    showTrouble(text || say("error_network"), true);
  },

  notStarted(text) {
    thread.setAllSending(say("not_sent"));
    showTrouble(text || say("error_start"), true);
  },

  state(state) {
    setText("presence", presenceText(state));
    showWhoReads(state.held_by);
    byId("assistant").hidden = !["held", "waiting", "offered_call_back"].includes(state.handoff?.state);
    showNotices(state.notices ?? []);
    followLanguage(state.language);
  },

  typing({ who, name }) {
    if (who === "bot" && thread.endsInDanger()) return; // that was the whole answer
    const guide = name ? say("typing_guide", { name }) : say("typing_guide_unnamed");
    showTyping(who === "guide" ? guide : say("typing_bot"));
  },

  connected(isConnected) {
    setText("offline", isConnected ? "" : say("offline"));
  },

  ended(isErased) {
    if (isErased) thread.clear();
    if (dialog.open) dialog.close();
    for (const id of ["presence", "offline", "typing"]) setText(id, "");
    byId("composer").hidden = true;
    byId("ended").hidden = false;
    setText("ended-text", say(isErased ? "erased" : "gone"));
    byId("ended-text").focus();
  },
};

// She said that she stops for now: the code to go on with stands under the answer, as long as the
// page is open. It is kept nowhere else.
async function giveCodeAfter(message) {
  if (!message) return;
  const given = await newCode("pause");
  thread.addTo(message, given.text);
}

const conversation = new Conversation({ municipality: config.municipality, language: config.lang, memory, page });

function setText(id, text) {
  const place = byId(id);
  if (place.textContent !== text) place.textContent = text;
}

function showTrouble(text, canRetry = false) {
  setText("trouble-text", text);
  byId("retry").hidden = !canRetry;
}

const boxLabel = document.querySelector("label[for=text]");
const boxText = boxLabel.textContent;

// While a guide answers, the box is hers, and there is nobody further to ask for.
function showNotices(notices) {
  const place = document.getElementById("notices");
  place.replaceChildren(...notices.map((notice) => Object.assign(document.createElement("p"), { textContent: notice })));
  place.hidden = notices.length === 0;
}

function showWhoReads(guide) {
  boxLabel.textContent = guide?.name ? say("box_guide", { name: guide.name }) : boxText;
  const person = byId("person");
  if (guide && document.activeElement === person) byId("scroller").focus({ preventScroll: true });
  person.hidden = Boolean(guide);
}

let typingEnds = 0;

function showTyping(text) {
  clearTimeout(typingEnds);
  setText("typing", text);
  if (text) typingEnds = setTimeout(() => showTyping(""), TYPING_SHOWN_MS);
}

function presenceText({ held_by, handoff, guide }) {
  if (held_by) return held_by.name ? say("held", { name: held_by.name }) : say("held_unnamed");
  if (handoff && !["returned", "closed", "expired"].includes(handoff.state)) {
    if (handoff.words) return handoff.words;
    return handoff.promised ? say("handoff_promised", { time: sayTime(handoff.promised) }) : say("handoff_asked");
  }
  if (guide?.on_duty) return guide.until ? say("guide_until", { time: sayTime(guide.until) }) : say("guide_on_duty");
  return guide?.next ? say("guide_next", { time: sayTime(guide.next) }) : say("guide_none");
}

// --- Writing ---

function setBox(text) {
  box.value = text;
  memory.set({ draft: text });
  fitBox();
}

function fitBox() {
  box.style.blockSize = "auto";
  box.style.blockSize = `${box.scrollHeight + box.offsetHeight - box.clientHeight}px`;
}

function sendBox() {
  const text = box.value.trim();
  if (!text) return;
  setBox("");
  if (byId("retry").hidden) showTrouble(""); // what is being tried again is still in trouble
  conversation.send({ text });
}

box.addEventListener("input", () => setBox(box.value));
sendFrom(box, byId("form"), sendBox);
byId("person").addEventListener("click", (event) => {
  conversation.send({ choice: "intent:want_person", label: event.currentTarget.textContent.trim() });
});
byId("assistant").addEventListener("click", (event) => {
  conversation.send({ choice: "intent:back_to_bot", label: event.currentTarget.textContent.trim() });
});
document.querySelector(".skip").addEventListener("click", (event) => {
  event.preventDefault(); // a fragment would be one more entry in the tab's history
  box.focus();
});
byId("retry").addEventListener("click", () => {
  box.focus();
  conversation.retryNow();
});

// --- Language ---

function followLanguage(language) {
  const isOffered = config.languages.includes(language);
  const isBusy = box.value || conversation.isSending;
  if (language === config.lang || language === askedLanguage || !isOffered || isBusy) return;
  openIn(language);
}

function openIn(language) {
  memory.set({ focus: document.activeElement === box });
  const address = new URL(location.href);
  address.searchParams.set("lang", language);
  location.replace(address);
}

for (const link of document.querySelectorAll("[data-language]")) {
  link.addEventListener("click", async (event) => {
    event.preventDefault();
    try {
      await conversation.setLanguage(link.dataset.language);
      openIn(link.dataset.language);
    } catch (error) {
      showTrouble(error.fromServer || say("error_language"));
    }
  });
}

// --- Erasing and leaving ---

byId("erase").addEventListener("click", () => {
  setText("erase-trouble", "");
  dialog.showModal();
});
byId("erase-cancel").addEventListener("click", () => dialog.close());
byId("erase-confirm").addEventListener("click", async () => {
  try {
    await conversation.erase();
  } catch (error) {
    setText("erase-trouble", error.fromServer || say("error_erase"));
  }
});
byId("start-again").addEventListener("click", () => location.reload());
beforeLeaving(() => {
  conversation.stop();
  more.quiet();
});

// --- Start ---

window.addEventListener("offline", () => conversation.lostNetwork());
window.addEventListener("online", () => conversation.retryNow());
setBox(memory.get("draft") ?? "");
if (memory.get("focus")) {
  memory.set({ focus: false });
  box.focus();
}
conversation.begin(askedLanguage === config.lang);
