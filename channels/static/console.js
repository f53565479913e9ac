// The guide's console: the queue, and the conversation the guide holds.

import { sendFrom } from "./composer.js";
import { element, lineList, plainList } from "./message.js";
import { Outbox, bodyOf, errorText, newId } from "./outbox.js";
import { Backoff } from "./stream.js";
import { Thread } from "./thread.js";
import { wordsFrom } from "./words.js";

const QUEUE_EVERY_MS = 60_000;
const TYPING_EVERY_MS = 3_000;
const CLOSED_STATES = ["returned", "closed", "expired"];
const LEVELS = ["acute", "coordinator", "guide", "information"];

const byId = (id) => document.getElementById(id);
const config = JSON.parse(byId("config").textContent);
const words = wordsFrom(config, "console_live_");
const { say, sayTime } = words;
const languageNames = new Intl.DisplayNames(["sv"], { type: "language" });
const box = byId("text");
const paneHeading = byId("pane-heading").textContent;

const thread = new Thread(
  { scroller: byId("scroller"), history: byId("history"), fresh: byId("new"), unread: byId("unread") },
  { words, level: 4, own: "guide" },
);

let queue = [];
let queueAsked = 0;
let openId = null;
const outboxes = new Map(); // handoff id → Outbox; one goes on sending when another conversation is opened
const unseen = new Set(); // handoff ids with a parent's message that came while another was open
const drafts = new Map(); // handoff id → text not yet sent

// --- Talking to the server ---

async function ask(method, path, body) {
  const response = await request(method, path, body);
  const answer = await bodyOf(response);
  if (response.ok) return answer;
  throw Object.assign(new Error(`${method} ${path}`), { status: response.status, fromServer: errorText(answer) });
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
    const { handoffs } = await ask("GET", "/queue");
    if (asked !== queueAsked) return;
    queue = handoffs;
    setText("queue-trouble", "");
    showQueue();
    leaveIfTaken();
  } catch (error) {
    setText("queue-trouble", error.fromServer || say("error_queue"));
  }
}

function showQueue() {
  const isClosed = (handoff) => CLOSED_STATES.includes(handoff.state);
  const groups = {
    mine: queue.filter((handoff) => handoff.mine && !isClosed(handoff)),
    waiting: queue.filter((handoff) => !handoff.claimed_by && !handoff.mine && !isClosed(handoff)),
    colleagues: queue.filter((handoff) => handoff.claimed_by && !handoff.mine && !isClosed(handoff)),
    closed: queue.filter(isClosed),
  };
  const focused = document.activeElement?.dataset?.handoff;
  for (const [id, handoffs] of Object.entries(groups)) {
    const items = handoffs.map((handoff) => handoffItem(handoff, id));
    byId(id).replaceChildren(...(items.length ? items : [element("li", { class: "none" }, say("none"))]));
  }
  if (focused) document.querySelector(`[data-handoff="${CSS.escape(focused)}"]`)?.focus();
  setText("queue-count", say("count", { waiting: groups.waiting.length, mine: groups.mine.length }));
  setText("colleagues-count", `(${groups.colleagues.length})`);
  setText("closed-count", `(${groups.closed.length})`);
}

// The parent went back to the assistant, or a colleague took over.
function leaveIfTaken() {
  const open = queue.find((handoff) => handoff.id === openId);
  if (open && (!open.mine || CLOSED_STATES.includes(open.state))) endConversation(openId, say("lost"));
}

function handoffItem(handoff, group) {
  const heading = `handoff-${handoff.id}`;
  return element(
    "li",
    { class: `handoff level-${handoff.level}${handoff.id === openId ? " handoff-open" : ""}` },
    element("p", { class: "handoff-head", id: heading }, levelName(handoff.level), caseName(handoff.id)),
    element("p", {}, whereText(handoff)),
    element("p", {}, waitingText(handoff, group)),
    handoff.promised && group !== "closed" && promise(handoff),
    group === "mine" && unseen.has(handoff.id) && element("p", { class: "unseen" }, say("unseen")),
    group === "colleagues" && element("p", {}, say("claimed_by", { name: handoff.claimed_by })),
    handoffButton(handoff, group, heading),
  );
}

function handoffButton(handoff, group, heading) {
  if (group === "waiting") {
    const button = rowButton(handoff, say("claim"), heading);
    button.addEventListener("click", () => claim(handoff.id));
    return button;
  }
  if (group !== "mine") return null;
  const isOpen = handoff.id === openId;
  const button = rowButton(handoff, say(isOpen ? "opened" : "open"), heading);
  if (isOpen) button.setAttribute("aria-current", "true");
  button.addEventListener("click", () => openHandoff(handoff.id));
  return button;
}

function rowButton(handoff, text, heading) {
  return element(
    "button",
    { class: "button", type: "button", "data-handoff": handoff.id, "aria-describedby": heading },
    text,
  );
}

function levelName(level) {
  const known = LEVELS.includes(level) ? level : "unknown";
  return element("span", { class: `badge badge-${known}` }, say(`level_${known}`));
}

function caseName(id) {
  return say("case", { number: String(id).slice(0, 8) });
}

function whereText({ function: wanted, language, channel }) {
  return [say(`function_${wanted}`), languageName(language), say(`channel_${channel}`)].join(" · ");
}

function languageName(code) {
  try {
    return languageNames.of(code);
  } catch {
    return code;
  }
}

function waitingText(handoff, group) {
  const time = sayTime(handoff.requested_at);
  if (group !== "waiting") return say("requested", { time });
  const minutes = Math.max(0, Math.round(handoff.waiting_minutes));
  if (minutes < 60) return say("since", { minutes, time });
  return say("since_hours", { hours: Math.floor(minutes / 60), minutes: minutes % 60, time });
}

function promise(handoff) {
  const isOverdue = new Date(handoff.promised) < new Date();
  const text = say(isOverdue ? "overdue" : "promised", { time: sayTime(handoff.promised) });
  return element("p", { class: isOverdue ? "overdue" : "promised" }, text);
}

// --- One conversation ---

async function claim(id) {
  try {
    await ask("POST", handoffPath(id, "/claim"));
    queueAsked++; // a list asked for before this would still show the conversation as waiting
  } catch (error) {
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
    const { brief, messages } = await ask("GET", handoffPath(id));
    startConversation(id);
    showBrief(brief);
    thread.restore(messages);
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
  thread.clear();
  held = [];
  openId = id;
  box.value = drafts.get(id) ?? "";
  setTrouble("");
  setText("end-trouble", "");
  byId("outcome").value = "";
  byId("pane-empty").hidden = true;
  byId("pane-open").hidden = false;
  setText("pane-heading", caseName(id));
  if (!outboxes.has(id)) outboxes.set(id, outboxOf(id));
}

function keepDraft() {
  if (openId) drafts.set(openId, box.value);
}

function outboxOf(id) {
  const whenOpen = (show) => (...what) => id === openId && show(...what);
  return new Outbox({
    post: (entry) => request("POST", handoffPath(id, "/messages"), { id: entry.id, text: entry.text }),
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
  byId("pane-empty").hidden = false;
  setText("pane-heading", paneHeading);
  setText("pane-empty", text);
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

function showBrief({ lines, level, shared }) {
  byId("brief").replaceChildren(
    element("p", { class: "brief-shared" }, say(shared ? "brief_shared" : "brief_not_shared")),
    level ? element("p", {}, `${say("level_heading")}: `, element("strong", {}, level.label)) : "",
    level?.reasons?.length ? element("p", { class: "label" }, say("level_reasons")) : "",
    level?.reasons?.length ? plainList(level.reasons) : "",
    lines?.length ? lineList(lines) : "",
  );
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
  if (body.message) thread.show([body.message]);
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
  const entry = { id: newId(), text };
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
  });
  thread.setSending(entry.id, say("sending"));
}

let typedAt = 0;

function tellTyping() {
  if (!openId || !box.value || Date.now() - typedAt < TYPING_EVERY_MS) return;
  typedAt = Date.now();
  request("POST", handoffPath(openId, "/typing")).catch(() => {});
}

box.addEventListener("input", tellTyping);
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
  setText("end-trouble", outcome ? "" : say("outcome_missing"));
  if (!outcome) return byId("outcome").focus();
  end("/close", { outcome }, say("closed"));
});
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
    else claim(id);
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
  return queue.find((one) => one.conversation_id === conversation && !CLOSED_STATES.includes(one.state));
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

setInterval(loadQueue, QUEUE_EVERY_MS);
loadQueue();
follow();
