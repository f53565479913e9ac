// The guide's console: the queue, and the conversation the guide holds.

import { Aside } from "./aside.js";
import { sendFrom } from "./composer.js";
import { Desk } from "./desk.js";
import { Inbox, isClosed, languageName, tabOf } from "./inbox.js";
import { listenForKeys } from "./keys.js";
import { element, lineList, plainList } from "./message.js";
import { Outbox, bodyOf, errorText, newId } from "./outbox.js";
import { Backoff } from "./stream.js";
import { Thread } from "./thread.js";
import { wordsFrom } from "./words.js";

const QUEUE_EVERY_MS = 60_000;
const TYPING_EVERY_MS = 3_000;

const byId = (id) => document.getElementById(id);
const config = JSON.parse(byId("config").textContent);
const words = wordsFrom(config, "console_live_");
const { say, sayTime } = words;
const box = byId("text");
const paneHeading = byId("pane-heading").textContent;

const thread = new Thread(
  { scroller: byId("scroller"), history: byId("history"), fresh: byId("new"), unread: byId("unread") },
  { words, level: 4, own: "guide" },
);

const inbox = new Inbox(
  {
    tabs: byId("tabs"),
    filter: byId("filter"),
    table: byId("inbox-table"),
    rows: byId("rows"),
    empty: byId("inbox-empty"),
    shown: byId("inbox-shown"),
  },
  words,
  { claim, open: openHandoff },
);
const desk = new Desk(
  {
    held: byId("desk-held"),
    capacity: byId("capacity"),
    away: byId("away"),
    state: byId("desk-state"),
    leave: byId("away-ask"),
    full: byId("full-ask"),
  },
  {
    ask: (...what) => ask(...what).finally(loadQueue),
    say,
    said: (text) => setText("queue-trouble", text),
    trouble: (error) => setText("queue-trouble", error.fromServer || say("error_action")),
  },
);
const aside = new Aside(
  { tabs: byId("panel-tabs"), panel: (name) => byId(`panel-${name}`) },
  {
    ask: request,
    say,
    on: {
      insert,
      passed: (to) => end("/pass", { to }, say("passed")),
      met: (meeting) => end("/meeting", meeting, say("met")),
      promised: (by) => end("/promise", { by }, say("promised_answer")),
      said: (text) => setText("said", text),
      trouble: (text) => setText("panel-trouble", text),
    },
  },
);

let queue = [];
let queueAsked = 0;
let isQueueLost = false; // what else is said there stays until the guide does the next thing
let openId = null;
const outboxes = new Map(); // handoff id → Outbox; one goes on sending when another conversation is opened
const unseen = new Set(); // handoff ids with a parent's message that came while another was open
const drafts = new Map(); // handoff id → text not yet sent
let chosen = null; // {text, original}: what was put in the draft in the parent's language, and its Swedish

// --- Talking to the server ---

async function ask(method, path, body) {
  const response = await request(method, path, body);
  const answer = await bodyOf(response);
  if (response.ok) return answer;
  const code = answer.error?.code;
  throw Object.assign(new Error(`${method} ${path}`), { status: response.status, code, fromServer: errorText(answer) });
}

async function request(method, path, body) {
  const response = await fetch(`/console/api${path}`, {
    method,
    cache: "no-store",
    headers: {
      ...(method !== "GET" && { "X-Lotsa-Console": "1" }),
      ...(body && { "Content-Type": "application/json" }),
    },
    body: body && JSON.stringify(body),
    signal: AbortSignal.timeout(20_000),
  });
  if (response.status === 401) location.assign("/console/login");
  return response;
}

function handoffPath(id, rest = "") {
  return `/handoffs/${encodeURIComponent(id)}${rest}`;
}

function setText(id, text) {
  const place = byId(id);
  if (place.textContent !== text) place.textContent = text;
}

// --- Queue: metadata only ---

async function loadQueue() {
  const asked = ++queueAsked;
  try {
    const answer = await ask("GET", "/queue");
    if (asked !== queueAsked) return;
    queue = answer.handoffs;
    desk.show(answer.desk);
    showFigures(answer.figures);
    if (isQueueLost) setText("queue-trouble", "");
    isQueueLost = false;
    showQueue();
    leaveIfTaken();
  } catch (error) {
    isQueueLost = true;
    setText("queue-trouble", error.fromServer || say("error_queue"));
  }
}

function showQueue() {
  inbox.show(queue, { openId, unseen });
  const mine = queue.filter((handoff) => tabOf(handoff) === "mine").length;
  const waiting = queue.filter((handoff) => tabOf(handoff) === "waiting").length;
  setText("queue-count", say("count", { waiting, mine }));
}

// The parent went back to the assistant, or a colleague took over.
function leaveIfTaken() {
  const open = queue.find((handoff) => handoff.id === openId);
  if (open && (!open.mine || isClosed(open))) endConversation(openId, say("lost"));
}

function showFigures({ first_response_median: first, wait_median: wait, kept_share: kept }) {
  const none = say("figures_none");
  const minutes = (seconds) => {
    if (seconds === null) return none;
    return seconds < 60 ? say("figures_short") : say("figures_minutes", { minutes: Math.round(seconds / 60) });
  };
  const share = kept === null ? none : say("figures_share", { percent: Math.round(kept * 100) });
  setText("figures", say("figures", { first: minutes(first), wait: minutes(wait), kept: share }));
}

function setView(view) {
  byId("main").dataset.view = view;
}

// --- One conversation ---

async function claim(id, anyway = false) {
  setText("queue-trouble", "");
  try {
    await ask("POST", handoffPath(id, "/claim"), { anyway });
    queueAsked++; // a list asked for before this would still show the conversation as waiting
  } catch (error) {
    if (error.code === "desk_full") return (await desk.takesAnyway(error.fromServer)) && claim(id, true);
    setText("queue-trouble", error.fromServer || say(error.status === 409 ? "taken" : "error_action"));
    queue = queue.filter((handoff) => handoff.id !== id || error.status !== 409);
    showQueue();
    byId("queue-heading").focus();
    return;
  }
  await openHandoff(id);
}

async function openHandoff(id) {
  try {
    const { handoff, number, brief, messages, follow_up_days: days } = await ask("GET", handoffPath(id));
    startConversation(id);
    showFollowUp(days);
    showMeta(handoff, number);
    showBrief(brief);
    aside.open(id);
    thread.restore(messages.map(withOriginal));
    for (const entry of outboxes.get(id).entries) showPending(entry);
    byId("pane-heading").focus();
  } catch (error) {
    setText("queue-trouble", error.fromServer || say("error_action"));
  }
  await loadQueue();
}

function startConversation(id) {
  keepDraft();
  unseen.delete(id);
  setText("ended", "");
  setText("queue-trouble", "");
  thread.clear();
  held = [];
  openId = id;
  box.value = drafts.get(id) ?? "";
  setOriginal(null);
  setText("said", "");
  setTrouble("");
  setText("end-trouble", "");
  byId("outcome").value = "";
  byId("pane-empty").hidden = true;
  byId("pane-open").hidden = false;
  byId("pane-actions").hidden = false;
  byId("to-inbox").hidden = false;
  setView("talk");
  setText("pane-heading", caseName(id));
  if (!outboxes.has(id)) outboxes.set(id, outboxOf(id));
}

function keepDraft() {
  if (openId) drafts.set(openId, box.value);
}

function outboxOf(id) {
  const whenOpen = (show) => (...what) => id === openId && show(...what);
  return new Outbox({
    post: (entry) => request("POST", handoffPath(id, "/messages"), { id: entry.id, text: entry.text, original: entry.original }),
    on: {
      changed() {},
      accepted: whenOpen(accepted),
      refused(entry, status, body) {
        if (id === openId) return refused(entry, status, body);
        drafts.set(id, entry.text);
      },
      trouble: whenOpen(trouble),
    },
  });
}

function endConversation(id, text) {
  outboxes.get(id)?.stop();
  outboxes.delete(id);
  drafts.delete(id);
  openId = null;
  thread.clear();
  byId("brief").replaceChildren();
  byId("pane-open").hidden = true;
  byId("pane-actions").hidden = true;
  byId("to-inbox").hidden = true;
  setText("pane-meta", "");
  setView("inbox");
  byId("pane-empty").hidden = false;
  setText("pane-heading", paneHeading);
  setText("ended", text);
  byId("queue-heading").focus();
}

/** The parent took her yes, or a line, back: what is shown follows at once. */
async function refreshBrief(id) {
  try {
    const { brief } = await ask("GET", handoffPath(id));
    if (id === openId) showBrief(brief);
  } catch {
    if (id === openId) byId("brief").replaceChildren();
  }
}

function caseName(id) {
  return inbox.case(id);
}

function showMeta({ function: wanted, language, channel, level }, number) {
  const parts = [say(`level_${level}`), say(`function_${wanted}`), languageName(language), say(`channel_${channel}`)];
  if (number) parts.push(say("number", { number }));
  setText("pane-meta", parts.filter(Boolean).join(" · "));
}

function withOriginal(message) {
  return message.original ? { ...message, note: say("original", { text: message.original }) } : message;
}

function showBrief({ lines, level, shared, missing }) {
  byId("brief").replaceChildren(
    element("p", { class: "brief-shared" }, say(shared ? "brief_shared" : "brief_not_shared")),
    level ? element("p", {}, `${say("level_heading")}: `, element("strong", {}, level.label)) : "",
    level?.reasons?.length ? element("p", { class: "label" }, say("level_reasons")) : "",
    level?.reasons?.length ? plainList(level.reasons) : "",
    lines?.length ? lineList(lines) : "",
    missing?.length ? element("p", { class: "label" }, say("brief_missing")) : "",
    missing?.length ? plainList(missing) : "",
  );
}

/** A day to ask how it went, where the parent has said yes to being asked. */
function showFollowUp(days) {
  byId("follow-up").hidden = !days.length;
  byId("follow-up-not").hidden = days.length > 0;
  const options = days.map((count) => element("option", { value: count }, say("follow_up_days", { count })));
  byId("follow-up-days").replaceChildren(element("option", { value: "" }, say("follow_up_never")), ...options);
}

async function refreshOpen() {
  if (!openId) return;
  const id = openId;
  try {
    const { messages } = await ask("GET", handoffPath(id));
    if (openId === id) receive(messages);
  } catch {
    // the queue says that the server cannot be reached
  }
}

// The guide's own messages wait while one of them is on its way, so that none is shown twice.
let held = [];

function receive(messages) {
  messages = messages.map(withOriginal);
  const isHeld = (message) => message.author === "guide" && outboxes.get(openId).entries.length > 0;
  held.push(...messages.filter(isHeld));
  thread.show(messages.filter((message) => !isHeld(message)));
}

function release() {
  if (outboxes.get(openId).entries.length) return;
  thread.show(held);
  held = [];
}

// --- Answering ---

function accepted(entry, body) {
  setTrouble("");
  thread.settle(entry.id, body.seq);
  if (body.message) thread.show([withOriginal(body.message)]);
  release();
}

function refused(entry, status, body) {
  thread.drop(entry.id);
  if (!box.value) box.value = entry.text;
  setTrouble(errorText(body) || say("error_other"));
  release();
  loadQueue();
}

function trouble(entry, body) {
  thread.setAllSending(say("not_sent"));
  setTrouble(errorText(body) || say("error_network"), true);
}

function setTrouble(text, canRetry = false) {
  setText("trouble-text", text);
  byId("retry").hidden = !canRetry;
}

function sendBox() {
  const text = box.value.trim();
  if (!text || !openId) return;
  box.value = "";
  const entry = { id: newId(), text, original: chosen?.text === text ? chosen.original : undefined };
  setOriginal(null);
  setText("said", "");
  showPending(entry);
  outboxes.get(openId).add(entry);
}

function showPending(entry) {
  thread.addPending(entry.id, {
    author: "guide",
    name: config.guide,
    text: entry.text,
    dir: "auto",
    sent_at: new Date().toISOString(),
    note: entry.original && say("original", { text: entry.original }),
  });
  thread.setSending(entry.id, say("sending"));
}

/** What a panel suggests goes after what stands in the draft; it is the guide who sends it. */
function insert(text, original) {
  setOriginal(original && !box.value.trim() ? { text: text.trim(), original } : null);
  box.value = [box.value.trim(), text].filter(Boolean).join("\n\n");
  setText("said", say("inserted"));
  box.focus();
}

function setOriginal(one) {
  chosen = one;
  byId("original").hidden = !one;
  setText("original-text", one?.original ?? "");
}

let typedAt = 0;

function tellTyping() {
  if (!openId || !box.value || Date.now() - typedAt < TYPING_EVERY_MS) return;
  typedAt = Date.now();
  request("POST", handoffPath(openId, "/typing")).catch(() => {});
}

box.addEventListener("input", () => {
  tellTyping();
  if (chosen && box.value.trim() !== chosen.text) setOriginal(null);
});
sendFrom(box, byId("form"), sendBox);
byId("retry").addEventListener("click", () => {
  box.focus();
  outboxes.get(openId)?.retryNow();
});

// --- Ending ---

async function end(path, body, text) {
  const id = openId;
  if (outboxes.get(id).entries.length) return setText("end-trouble", say("unsent"));
  try {
    await ask("POST", handoffPath(id, path), body);
    endConversation(id, text);
    await loadQueue();
  } catch (error) {
    setText("end-trouble", error.fromServer || say("error_action"));
  }
}

byId("return").addEventListener("click", () => end("/return", undefined, say("returned")));
byId("close-form").addEventListener("submit", (event) => {
  event.preventDefault();
  const outcome = byId("outcome").value;
  setText("close-trouble", outcome ? "" : say("outcome_missing"));
  if (!outcome) return byId("outcome").focus();
  const days = byId("follow-up-days").value;
  end("/close", { outcome, follow_up_days: days ? Number(days) : null }, say("closed"));
});
byId("to-leave").addEventListener("click", () => aside.choose("leave", true));
byId("to-inbox").addEventListener("click", () => {
  setView("inbox");
  byId("queue-heading").focus();
});
byId("keys-open").addEventListener("click", () => byId("keys").showModal());
byId("log-out").addEventListener("click", async () => {
  await fetch("/console/logout", { method: "POST", headers: { "X-Lotsa-Console": "1" } }).catch(() => {});
  location.assign("/console/login");
});

// --- What happens elsewhere ---

function showUnseen(id) {
  unseen.add(id);
  showQueue();
}

function showAlarm({ handoff_id, conversation_id }) {
  const id = handoff_id ?? openHandoffOf(conversation_id)?.id;
  const alarm = byId("alarm").content.firstElementChild.cloneNode(true);
  const open = alarm.querySelector("[data-open]");
  alarm.querySelector("p").textContent = id ? say("alarm", { case: caseName(id) }) : say("alarm_unknown");
  open.hidden = !id;
  open.addEventListener("click", () => {
    alarm.remove();
    showAlarmCount();
    const isMine = queue.some((handoff) => handoff.id === id && handoff.mine);
    if (isMine) openHandoff(id);
    else claim(id, true);
  });
  alarm.querySelector("[data-dismiss]").addEventListener("click", () => {
    alarm.remove();
    showAlarmCount();
    byId("queue-heading").focus();
  });
  byId("alarm-place").append(alarm);
  showAlarmCount();
}

function openHandoffOf(conversation) {
  return queue.find((one) => one.conversation_id === conversation && !isClosed(one));
}

const title = document.title;

function showAlarmCount() {
  const count = byId("alarm-place").children.length;
  document.title = count ? `(${count}) ${title}` : title;
}

const backoff = new Backoff();

function follow() {
  const source = new EventSource("/console/api/events");
  const on = (name, handle) => source.addEventListener(name, (event) => handle(JSON.parse(event.data)));
  on("queue", loadQueue);
  on("message", ({ handoff_id: id, message }) => {
    if (id === openId && message.reply_id?.startsWith("utter_share_")) refreshBrief(id);
    if (id === openId) receive([message]);
    else if (message.author === "parent") showUnseen(id);
  });
  on("alarm", async (alarm) => {
    await loadQueue();
    showAlarm(alarm);
  });
  source.addEventListener("open", () => {
    backoff.reset();
    setText("offline", "");
    loadQueue();
    refreshOpen();
  });
  source.addEventListener("error", async () => {
    setText("offline", say("offline"));
    if (source.readyState !== EventSource.CLOSED) return;
    await backoff.pause();
    follow();
  });
}

const focus = (id) => () => byId(id).focus();
const whenOpen = (act) => () => openId && act();
listenForKeys(
  {
    j: () => inbox.step(1),
    k: () => inbox.step(-1),
    f: focus("filter"),
    s: () => inbox.sortByNext(),
    i: () => byId("to-inbox").click(),
    r: whenOpen(focus("text")),
    q: whenOpen(() => aside.insertQuestion()),
    p: whenOpen(() => aside.chooseNext()),
    ...Object.fromEntries([1, 2, 3, 4, 5, 6].map((number) => [String(number), () => inbox.chooseNumber(number)])),
  },
  { help: byId("keys"), isOn: byId("keys-on") },
);

// Back from the catalogue: the conversation is open again, if it is still the guide's.
async function begin() {
  const asked = new URLSearchParams(location.search).get("samtal");
  if (asked) history.replaceState(null, "", location.pathname);
  await loadQueue();
  if (queue.some((handoff) => handoff.id === asked && tabOf(handoff) === "mine")) await openHandoff(asked);
}

setInterval(loadQueue, QUEUE_EVERY_MS);
begin();
follow();
