// The parent's own choices on the page about what is kept: shown, changed, saved as files.

import { Memory } from "./conversation.js";
import { beforeLeaving } from "./header.js";
import { bodyOf, errorText } from "./outbox.js";
import { wordsFrom } from "./words.js";

const ANSWER_WITHIN_MS = 30_000;

const byId = (id) => document.getElementById(id);
const config = JSON.parse(byId("config").textContent);
const { say } = wordsFrom(config, "privacy_live_");
const memory = new Memory(config.municipality);
const place = byId("own");
const leaving = new AbortController();

async function ask(method, path, body) {
  const response = await fetch(`/api/conversations/${encodeURIComponent(memory.get("conversation_id"))}/${path}`, {
    method,
    body: body && JSON.stringify(body),
    cache: "no-store",
    signal: AbortSignal.any([leaving.signal, AbortSignal.timeout(ANSWER_WITHIN_MS)]),
    headers: {
      "Accept-Language": config.lang,
      Authorization: `Bearer ${memory.get("token")}`,
      ...(body && { "Content-Type": "application/json" }),
    },
  });
  if (response.ok) return response;
  throw Object.assign(new Error(method), { fromServer: errorText(await bodyOf(response)) });
}

// The server has escaped whatever a person wrote; scripts in it would not run (see the CSP).
async function show() {
  const made = new DOMParser().parseFromString(await (await ask("GET", "privacy")).text(), "text/html");
  place.replaceChildren(...made.body.childNodes);
}

async function trying(work) {
  byId("trouble").textContent = "";
  byId("said").textContent = "";
  try {
    await work();
  } catch (error) {
    if (!leaving.signal.aborted) byId("trouble").textContent = error.fromServer || say("trouble");
  }
}

place.addEventListener("submit", (event) => {
  event.preventDefault();
  const { path, method, as: shape } = event.target.dataset;
  const fields = new FormData(event.target, event.submitter);
  let body = Object.fromEntries(fields);
  if (shape === "fields") body = { fields: { answer: fields.getAll("answer") } };
  if (path === "transfers") body.lines = fields.getAll("lines");
  trying(async () => {
    await ask(method, path, method === "DELETE" ? undefined : body);
    await show();
    byId("said").textContent = say("saved");
    place.focus();
  });
});

place.addEventListener("click", (event) => {
  const button = event.target.closest("[data-file]");
  if (button) trying(() => save(button.dataset.file, button.dataset.name));
});

async function save(path, name) {
  const response = await ask("GET", path);
  const given = /filename="([^"]+)"/.exec(response.headers.get("Content-Disposition") ?? "")?.[1];
  const link = document.createElement("a");
  link.href = URL.createObjectURL(await response.blob());
  link.download = given ?? name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), ANSWER_WITHIN_MS);
}

beforeLeaving(() => leaving.abort());
if (memory.get("conversation_id")) trying(show);
