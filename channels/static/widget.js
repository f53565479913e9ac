// Lotsa on a municipality's own page: a button that opens the chat in a titled frame.
//
// <script src="https://LOTSA/static/widget.js" defer data-municipality="…" data-label="…" data-title="…"></script>
//
// Further: data-language, data-unread ("{count} …"), data-side ("start" | "end"), data-color and
// data-text-color (#rrggbb; used only where they contrast at least 4.5:1). On a narrow screen the
// button leads to the whole page. Nothing else is loaded, nothing is stored here, and the page gets
// no text of the conversation: only open, close, resize and unread are said, to and from one origin.
(() => {
  const script = document.currentScript;
  const { municipality, language, label = "Lotsa", title = label, side = "end", unread = "({count})" } = script.dataset;
  const { origin } = new URL(script.src);
  const NARROW = "(max-width: 40rem), (max-height: 26rem)";
  const TALLEST = 2000; // pixels that a frame may ask for
  const MOST_UNREAD = 999;

  const address = new URL(`/chat/${encodeURIComponent(municipality)}`, origin);
  if (language) address.searchParams.set("lang", language);

  const colors = checked(script.dataset.color, script.dataset.textColor) ?? ["#0f5a52", "#ffffff"];
  const host = document.createElement("lotsa-widget");
  const shadow = host.attachShadow({ mode: "open" });
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(`
    :host { all: initial; --color: ${colors[0]}; --text: ${colors[1]}; }
    * { box-sizing: border-box; }
    button {
      position: fixed; inset-block-end: 1rem; inset-inline-${side === "start" ? "start" : "end"}: 1rem;
      z-index: 2147483646; display: flex; align-items: center; gap: .5rem; min-block-size: 3rem;
      max-inline-size: calc(100vw - 2rem); padding: .6rem 1.1rem; border: 2px solid var(--text);
      border-radius: 1.5rem; background: var(--color); color: var(--text); box-shadow: 0 2px 10px rgb(0 0 0 / .3);
      font: 600 1rem/1.25 system-ui, sans-serif; cursor: pointer;
    }
    button:hover { text-decoration: underline; text-underline-offset: .2em; }
    button:focus-visible { outline: 3px solid var(--text); outline-offset: -6px; }
    .count:not(:empty) { padding: 0 .5rem; border-radius: 1rem; background: var(--text); color: var(--color); }
    iframe {
      position: fixed; inset-block-end: 5rem; inset-inline-${side === "start" ? "start" : "end"}: 1rem;
      z-index: 2147483647; inline-size: min(27rem, calc(100vw - 2rem)); block-size: 40rem;
      max-block-size: calc(100vh - 6rem); min-block-size: 20rem; border: 2px solid var(--color);
      border-radius: .75rem; background: Canvas; box-shadow: 0 6px 30px rgb(0 0 0 / .3);
    }
    [hidden] { display: none; }
    @media (forced-colors: active) {
      button { border-color: ButtonText; background: ButtonFace; color: ButtonText; forced-color-adjust: none; }
    }
    @media print { :host { display: none; } }
  `);
  shadow.adoptedStyleSheets = [sheet];

  const button = make("button", { type: "button", "aria-expanded": "false" });
  const count = make("span", { class: "count" });
  button.append(label, count);
  shadow.append(button);
  let frame = null;
  let isLoaded = false; // before that there is nobody of that origin to speak to

  function make(name, attributes) {
    const made = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    return made;
  }

  function open() {
    if (matchMedia(NARROW).matches) return location.assign(address);
    if (!frame) {
      const framed = new URL(address);
      framed.searchParams.set("widget", location.origin);
      frame = make("iframe", { src: framed, title, referrerpolicy: "no-referrer", allow: "" });
      frame.addEventListener("load", () => {
        isLoaded = true;
        say(frame.hidden ? "close" : "open");
      });
      shadow.append(frame);
    }
    show(true);
    frame.focus();
  }

  function close() {
    show(false);
    button.focus();
  }

  function show(isOpen) {
    frame.hidden = !isOpen;
    button.setAttribute("aria-expanded", String(isOpen));
    say(isOpen ? "open" : "close");
  }

  function say(type) {
    if (isLoaded) frame.contentWindow.postMessage({ lotsa: 1, type }, origin);
  }

  function tell(number) {
    count.textContent = number ? unread.replace("{count}", number) : "";
  }

  button.addEventListener("click", () => (frame && !frame.hidden ? close() : open()));
  shadow.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && frame && !frame.hidden) close();
  });

  window.addEventListener("message", ({ origin: from, source, data }) => {
    if (from !== origin || !frame || source !== frame.contentWindow) return;
    if (typeof data !== "object" || data === null || data.lotsa !== 1) return;
    if (data.type === "open" && frame.hidden) open();
    else if (data.type === "close" && !frame.hidden) close();
    else if (data.type === "unread" && isWhole(data.count, MOST_UNREAD)) tell(data.count);
    else if (data.type === "resize" && isWhole(data.height, TALLEST)) frame.style.blockSize = `${data.height}px`;
  });

  function isWhole(number, most) {
    return Number.isInteger(number) && number >= 0 && number <= most;
  }

  // Both colours, or nothing where one is no #rrggbb or they are too alike to be read (WCAG 1.4.3).
  function checked(color, text = "#ffffff") {
    if (color === undefined) return null;
    const light = [color, text].map(luminance);
    const ratio = (Math.max(...light) + 0.05) / (Math.min(...light) + 0.05);
    if (ratio >= 4.5) return [color, text];
    console.warn(`Lotsa: ${color} and ${text} contrast less than 4.5:1 or are not #rrggbb; not used`);
    return null;
  }

  function luminance(hex) {
    if (!/^#[0-9a-f]{6}$/i.test(hex)) return NaN;
    const [r, g, b] = [1, 3, 5].map((at) => {
      const part = parseInt(hex.slice(at, at + 2), 16) / 255;
      return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  }

  const place = () => document.body.append(host);
  if (document.body) place();
  else document.addEventListener("DOMContentLoaded", place);
})();
