// The page of the tools: shows pieces the server has made, keeps what the parent writes, saves files.

import { Memory } from "./conversation.js";
import { beforeLeaving } from "./header.js";
import { bodyOf, errorText } from "./outbox.js";
import { wordsFrom } from "./words.js";

const ANSWER_WITHIN_MS = 30_000;

const byId = (id) => document.getElementById(id);
const config = JSON.parse(byId("config").textContent);
const { say } = wordsFrom(config, "tools_live_");
const memory = new Memory(config.municipality);
const place = byId("tool");
const leaving = new AbortController();

class GoneError extends Error {}

async function ask(method, ending = "", body = undefined) {
  const conversation = encodeURIComponent(memory.get("conversation_id"));
  const [path, query = ""] = ending.split("?");
  const search = new URLSearchParams(query);
  if (config.of) search.set("of", config.of);
  const response = await fetch(`/api/conversations/${conversation}/tools/${config.tool}${path}?${search}`, {
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
  const answer = await bodyOf(response);
  if (answer.error?.code === "unknown_conversation") throw new GoneError();
  throw Object.assign(new Error(`${method} answered ${response.status}`), { fromServer: errorText(answer) });
}

// The server has escaped whatever a person wrote; scripts and styles in it would not run (see the CSP).
async function show(response) {
  const made = new DOMParser().parseFromString(await response.text(), "text/html");
  place.replaceChildren(...made.body.childNodes);
  const heading = place.querySelector("h1");
  if (heading) document.title = `${heading.textContent} – Lotsa`;
}

async function trying(work) {
  byId("trouble").textContent = "";
  byId("said").textContent = "";
  try {
    await work();
  } catch (error) {
    if (leaving.signal.aborted) return;
    if (error instanceof GoneError) return showNothing(say("gone"));
    byId("trouble").textContent = error.fromServer || say("trouble");
  }
}

function showNothing(text) {
  const heading = document.createElement("h1");
  heading.textContent = text;
  place.replaceChildren(heading);
  byId("no-conversation").hidden = false;
}

function fieldsOf(form, submitter) {
  const fields = {};
  for (const [name, value] of new FormData(form, submitter)) (fields[name] ??= []).push(value);
  return fields;
}

place.addEventListener("submit", (event) => {
  const form = event.target;
  if (!form.matches("[data-keep]")) return;
  event.preventDefault();
  trying(async () => {
    await show(await ask("PUT", "", { fields: fieldsOf(form, event.submitter) }));
    byId("said").textContent = say("saved");
    (byId(form.dataset.back ?? "") ?? place).focus();
  });
});

place.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (button?.hasAttribute("data-print")) print();
  if (button?.dataset.file) trying(() => save(button.dataset.file, button.dataset.anyway));
});

async function save(form, anyway) {
  const response = await ask("GET", `/${form}${anyway ? "?anyway=true" : ""}`);
  const name = /filename="([^"]+)"/.exec(response.headers.get("Content-Disposition") ?? "")?.[1];
  const link = document.createElement("a");
  link.href = URL.createObjectURL(await response.blob());
  link.download = name ?? `file.${form}`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), ANSWER_WITHIN_MS);
}

// "At most two": the box that would be one too many stays empty, and it is said why.
place.addEventListener("change", (event) => {
  const group = event.target.closest("[data-most]");
  if (!group || event.target.type !== "checkbox") return;
  const isTooMany = group.querySelectorAll("input[type=checkbox]:checked").length > Number(group.dataset.most);
  if (isTooMany) event.target.checked = false;
  group.querySelector("[role=alert]").textContent = isTooMany ? group.dataset.mostText : "";
});

document.querySelector(".skip").addEventListener("click", (event) => {
  event.preventDefault();
  place.focus();
});
beforeLeaving(() => leaving.abort());

if (memory.get("conversation_id")) trying(async () => show(await ask("GET")));
else showNothing(say("none"));
