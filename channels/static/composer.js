// A box whose text is sent by Enter or its button; Shift+Enter makes a new line.

export function sendFrom(box, form, send) {
  box.addEventListener("keydown", (event) => {
    const isComposing = event.isComposing || event.keyCode === 229; // 229: Safari ends a composition so
    if (event.key !== "Enter" || event.shiftKey || isComposing) return;
    event.preventDefault();
    send();
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    send();
    box.focus();
  });
}
