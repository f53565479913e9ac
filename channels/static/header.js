// The header of the parent's pages: fold-outs that close by themselves, and the quick way out.

import { leaveWith } from "./embed.js";

const ESCAPES = 3;
const WITHIN_MS = 3000;

const link = document.getElementById("leave");
const presses = [];
let stopPage = () => {};

/** What must stop before the page is left in a hurry. */
export function beforeLeaving(stop) {
  stopPage = stop;
}

/** Leaves for a neutral page: storage cleared, this page out of the tab's history and out of sight. */
function leave() {
  stopPage();
  try {
    sessionStorage.clear();
  } catch {
    // storage is blocked: there is nothing to clear
  }
  document.documentElement.classList.add("left");
  document.title = new URL(link.href).hostname;
  if (!leaveWith(link.href)) location.replace(link.href);
}

link.addEventListener("click", (event) => {
  event.preventDefault();
  leave();
});

document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape" || event.isComposing || event.repeat) return;
  presses.push(event.timeStamp);
  if (presses.length > ESCAPES) presses.shift();
  if (presses.length === ESCAPES && event.timeStamp - presses[0] <= WITHIN_MS) leave();
});

for (const fold of document.querySelectorAll(".fold")) {
  fold.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !fold.open) return;
    fold.open = false;
    fold.querySelector("summary").focus();
  });
  fold.addEventListener("focusout", (event) => {
    if (event.relatedTarget && !fold.contains(event.relatedTarget)) fold.open = false;
  });
  document.addEventListener("pointerdown", (event) => {
    if (!fold.contains(event.target)) fold.open = false;
  });
}
