// The simulator's page: one phone at a time, and how the provider behaves.

const screen = document.getElementById("screen");
const phone = document.getElementById("phone");
const number = document.getElementById("number");
const text = document.getElementById("text");
const trouble = document.getElementById("trouble");
let shown = "";

async function ask(path, method, body) {
  const answer = await fetch(path, {
    method,
    headers: { "Content-Type": "application/json" },
    body: body && JSON.stringify(body),
  });
  if (!answer.ok) throw new Error(`${path}: ${answer.status}`);
  return answer.json();
}

async function refresh() {
  const state = await ask("/api/state", "GET");
  if (!number.options.length) {
    for (const [value, name] of Object.entries(state.numbers)) number.add(new Option(`${value} ${name}`, value));
  }
  const mine = state.messages.filter((sms) => sms.phone === phone.value);
  const now = JSON.stringify(mine);
  if (now === shown) return;
  shown = now;
  screen.replaceChildren(...mine.map(bubble));
  screen.scrollTop = screen.scrollHeight;
}

function bubble(sms) {
  const item = document.createElement("li");
  item.className = sms.direction;
  const words = document.createElement("span");
  words.textContent = sms.text;
  const facts = document.createElement("small");
  const parts = sms.parts === 1 ? "1 part" : `${sms.parts} parts`;
  facts.textContent = [parts, sms.encoding, ...sms.statuses].join(" · ");
  item.append(words, facts);
  return item;
}

document.getElementById("write").addEventListener("submit", async (event) => {
  event.preventDefault();
  if (!text.value.trim()) return;
  await say(() => ask("/api/type", "POST", { phone: phone.value, number: number.value, text: text.value }));
  text.value = "";
  text.focus();
});

document.getElementById("faults").addEventListener("submit", async (event) => {
  event.preventDefault();
  const form = Object.fromEntries(new FormData(event.target));
  for (const name of ["duplicates", "delay", "fail_next"]) form[name] = Number(form[name]);
  await say(() => ask("/api/faults", "PUT", form));
});

text.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  event.target.form.requestSubmit();
});

async function say(action) {
  trouble.textContent = "";
  try {
    await action();
    await refresh();
  } catch (error) {
    trouble.textContent = `The simulator did not answer: ${error.message}`;
  }
}

setInterval(() => refresh().catch(() => undefined), 700);
refresh();
