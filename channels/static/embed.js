// The chat inside a municipality's page: what it says to the page around it, and to no other.

const host = document.body.dataset.host; // one of the origins the municipality allows; "" outside a frame
const isFramed = Boolean(host) && window.parent !== window;
const opened = new Set();
let isOpen = true;

function tell(message) {
  if (isFramed) window.parent.postMessage({ lotsa: 1, ...message }, host);
}

/** The frame is closed: nobody sees what comes. */
export function isShut() {
  return isFramed && !isOpen;
}

export function onOpen(call) {
  opened.add(call);
}

export function tellUnread(count) {
  tell({ type: "unread", count: Math.min(count, 999) });
}

/** Leaves with the whole tab: a frame alone cannot. */
export function leaveWith(address) {
  if (!isFramed) return false;
  tell({ type: "close" });
  window.top.location.replace(address);
  return true;
}

if (isFramed) {
  window.addEventListener("message", ({ origin, source, data }) => {
    if (origin !== host || source !== window.parent || data?.lotsa !== 1) return;
    if (!["open", "close"].includes(data.type)) return;
    isOpen = data.type === "open";
    if (isOpen) for (const call of opened) call();
  });
  document.addEventListener("keydown", (event) => {
    const isBusy = event.isComposing || document.querySelector("dialog[open], details.fold[open]");
    if (event.key === "Escape" && !isBusy) tell({ type: "close" });
  }, { capture: true });
  document.getElementById("close-frame")?.addEventListener("click", () => tell({ type: "close" }));
  for (const link of document.querySelectorAll("a[data-away]")) link.target = "_blank";
  tell({ type: "resize", height: 640 });
}
