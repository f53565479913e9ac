// Keys that work outside text fields. They can be turned off (WCAG 2.1.4), as they are single letters.

const KEPT = "lotsa-console-keys"; // a setting of the device; nothing of a conversation is kept here

/** `actions` maps a key to what it does; `help` is the dialog that lists them. */
export function listenForKeys(actions, { help, isOn }) {
  isOn.checked = localStorage.getItem(KEPT) !== "off";
  isOn.addEventListener("change", () => localStorage.setItem(KEPT, isOn.checked ? "on" : "off"));
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    const isText = event.target.matches("textarea, select, input:not([type=checkbox], [type=radio])");
    if (event.key === "Escape" && isText) return event.target.blur();
    if (isText || !isOn.checked || document.querySelector("dialog[open]")) return;
    const act = event.key === "?" ? () => help.showModal() : actions[event.key];
    if (!act) return;
    event.preventDefault();
    act();
  });
}
