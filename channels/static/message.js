// One message as elements. Everything a person or the catalogue wrote goes in as text, never as markup.

const SVG = "http://www.w3.org/2000/svg";
const WARNING = "M12 3 2 21h20L12 3Zm0 6v6m0 2.5v.5";

/** An element with attributes and children (elements or texts); empty children are left out. */
export function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === true) made.setAttribute(key, "");
    else if (value || value === 0) made.setAttribute(key, value);
  }
  made.append(...children.flat().filter((child) => child || child === 0));
  return made;
}

/** A message as a list item. `page` is {words, level, choose?}: the page's words, the heading level
 *  inside a message, and what happens when the parent chooses (without it, choices only show). */
export function messageItem(message, page) {
  const content = element(
    "div",
    { class: "content", lang: message.language, dir: message.dir },
    bubble(message, page),
    message.level && levelBox(message.level, page),
    message.lines?.length > 0 && lineList(message.lines, page),
    (message.sections ?? []).map((section) => sectionBox(section, page)),
    (message.cards ?? []).map((card) => cardBox(card, page)),
    message.links?.length > 0 && linkList(message.links, page),
    message.choices?.length > 0 && choiceGroup(message, page),
    message.note && element("p", { class: "message-note", lang: "sv", dir: "ltr" }, message.note),
  );
  return element(
    "li",
    { class: `message message-${message.author}${message.acute ? " message-acute" : ""}` },
    byline(message, page.words),
    content,
  );
}

/** Who wrote a message, in the page's words. */
export function authorName(message, { say }) {
  if (message.author !== "guide") return say(message.author);
  return message.name ? say("guide", { name: message.name }) : say("guide_unnamed");
}

/** A dl of {label, value}: what was understood, or the brief. On a page where the parent can choose,
 *  a line may be changed or taken away. */
export function lineList(lines, page) {
  const pairs = lines.map((line) =>
    element(
      "div",
      {},
      element("dt", {}, line.label),
      element("dd", { dir: "auto" }, line.value),
      page?.choose && (line.change || line.remove) && lineButtons(line, page),
    ),
  );
  return element("dl", { class: "lines" }, pairs);
}

/** Lines under a heading of their own: what does not go along, who reads, whom it is about. */
function sectionBox(section, page) {
  return element("section", { class: "lines-section" }, heading(page, "", section.heading), lineList(section.lines, page));
}

function lineButtons(line, page) {
  const { say } = page.words;
  const press = (pressed, text) => {
    if (!pressed) return null;
    const button = element("button", { class: "line-button", type: "button", "aria-label": pressed.label }, pressed.text ?? text);
    button.addEventListener("click", () => page.choose(pressed.id, pressed.label));
    return button;
  };
  const buttons = [press(line.change, say("line_change")), press(line.remove, say("line_remove"))];
  return element("dd", { class: "line-buttons", ...inPageLanguage(page) }, buttons);
}

function byline(message, words) {
  const time = message.sent_at && words.sayTime(message.sent_at);
  return element(
    "p",
    { class: "byline" },
    element("span", { class: "author" }, authorName(message, words)),
    element("span", { class: "hidden" }, ": "),
    time && element("time", { datetime: message.sent_at }, time),
    element("span", { class: "sending" }),
  );
}

function bubble(message, page) {
  const { question } = message;
  const [first, ...rest] = paragraphs(message.text, message.terms);
  return element(
    "div",
    { class: "bubble" },
    message.acute && heading(page, "acute-heading", icon(WARNING), page.words.say("acute_heading")),
    question?.progress && element("p", { class: "progress" }, question.progress),
    first,
    message.numbers?.length > 0 && numberList(message.numbers), // in danger, the number before the talk
    rest,
    question?.why &&
      element(
        "details",
        { class: "why" },
        element("summary", inPageLanguage(page), page.words.say("question_why")),
        paragraphs(question.why),
      ),
  );
}

/** `terms` are the words that can be explained: {start, end, explanation}, counted in characters. */
function paragraphs(text, terms = []) {
  let start = 0;
  const parts = (text ?? "").split("\n\n").map((part) => {
    const made = part.trim() && element("p", { dir: "auto" }, withTerms(part, start, terms));
    start += [...part].length + 2;
    return made;
  });
  return parts.filter(Boolean);
}

function withTerms(part, start, terms) {
  const characters = [...part];
  const pieces = [];
  let at = 0;
  for (const term of terms) {
    const from = term.start - start;
    const to = term.end - start;
    if (from < at || to > characters.length) continue;
    pieces.push(characters.slice(at, from).join(""), explainable(characters.slice(from, to).join(""), term.explanation));
    at = to;
  }
  return [...pieces, characters.slice(at).join("")];
}

let explained = 0;

/** A word that is a button: pressed, its explanation stands right after it, until pressed again. */
function explainable(word, explanation) {
  const id = `explained-${++explained}`;
  const button = element("button", { class: "term", type: "button", "aria-expanded": "false", "aria-controls": id }, word);
  const place = element("span", { class: "term-explanation", id, hidden: true }, explanation);
  button.addEventListener("click", () => {
    place.hidden = !place.hidden;
    button.setAttribute("aria-expanded", String(!place.hidden));
  });
  return element("span", {}, button, place);
}

function numberList(numbers) {
  const items = numbers.map((number) => {
    const note = number.note && element("p", { class: "number-note" }, number.note);
    return element("li", {}, phoneLink(number, number.label), note);
  });
  return element("ul", { class: "numbers" }, items);
}

function phoneLink({ number, tel }, label) {
  return element(
    "a",
    { class: "number", href: telephone(tel ?? number) },
    label && element("span", { class: "number-label", dir: "auto" }, label),
    label && " ",
    element("span", { class: "number-digits", dir: "ltr" }, number),
  );
}

function telephone(tel) {
  return `tel:${String(tel).replace(/[^+0-9*#]/g, "")}`;
}

function levelBox(level, page) {
  return element(
    "section",
    { class: `level level-${level.id}` },
    heading(page, "", page.words.say("level")),
    element("p", { class: "level-label" }, level.label),
    level.reasons?.length > 0 && label(page, page.words.say("level_reasons")),
    level.reasons?.length > 0 && plainList(level.reasons),
  );
}

function cardBox(card, page) {
  const { say, sayDate } = page.words;
  const part = (id, ...content) => content.some(Boolean) && [label(page, say(id)), ...content];
  const site = webAddress(card.url);
  const said = (of) => paragraphs(card[of]).map((made) => inOwn(made, card.languages?.[of]));
  return element(
    "article",
    { class: "card" },
    element(
      "header",
      { class: "card-head" },
      element(`h${page.level}`, { dir: "auto" }, card.name),
      card.organization && element("p", { class: "card-organization" }, card.organization),
      card.first_step && element("p", { class: "card-first" }, card.first_step),
      card.status_note && element("p", { class: "card-status" }, card.status_note),
      card.alert && element("p", { class: "card-status", dir: "auto", lang: card.languages?.alert }, card.alert),
    ),
    said("what"),
    card.swedish &&
      element(
        "details",
        { class: "why" },
        element("summary", {}, card.swedish_label),
        paragraphs(card.swedish).map((made) => inOwn(made, "sv")),
      ),
    part("card_why", card.why?.length > 0 && plainList(card.why)),
    part("card_how", ...said("how")),
    part("card_say", card.say_this && element("blockquote", { dir: "auto" }, said("say_this"))),
    part(
      "card_contact",
      card.phone?.length > 0 && numberList(card.phone),
      site && element("p", {}, siteLink(site, say("card_site", { host: site.hostname.replace(/^www\./, "") }))),
    ),
    part("card_documents", card.documents?.length > 0 && plainList(card.documents)),
    part("card_next", ...said("next")),
    card.plan_b &&
      element(
        "details",
        { class: "why" },
        element("summary", inPageLanguage(page), say("card_plan_b")),
        paragraphs(card.plan_b),
      ),
    part("card_missing", ...(card.missing ? paragraphs(card.missing) : [])),
    card.page && element("p", inPageLanguage(page), ownPage(card.page, say("card_page"), page)),
    card.terms?.length > 0 && termLine(card.terms, page),
    element(
      "p",
      { class: "card-source" },
      card.source && `${card.source}. `,
      card.verified_on && say("card_verified", { date: card.verified ?? sayDate(card.verified_on) }),
      card.verified_on && ".",
    ),
    card.tried && page.choose && triedButton(card.tried, page),
  );
}

/** A paragraph with its language, where that is not the message's. */
function inOwn(made, language) {
  if (language) made.lang = language;
  return made;
}

/** "Already tried" under a card: pressed once, another entry comes in its place. */
function triedButton(tried, page) {
  const button = element("button", { class: "button button-quiet card-tried", type: "button", "aria-label": tried.said }, tried.label);
  button.addEventListener("click", () => {
    if (button.getAttribute("aria-disabled") === "true") return;
    button.setAttribute("aria-disabled", "true");
    page.choose(tried.id, tried.said);
  });
  return button;
}

/** Pages of this conversation, in the same tab: the key to it is kept here alone. Others beside it. */
function linkList(links, { words }) {
  const items = links.map(({ href, label: text }) => {
    const address = new URL(href, location.origin);
    if (address.origin !== location.origin) {
      const away = { class: "button", href: address.href, target: "_blank", rel: "noopener noreferrer" };
      return element("li", {}, element("a", away, text));
    }
    address.searchParams.set("lang", words.lang);
    return element("li", {}, element("a", { class: "button", href: address.pathname + address.search }, text));
  });
  return element("ul", { class: "links" }, items);
}

/** The words of the card that the glossary explains. */
function termLine(terms, page) {
  const links = terms.flatMap(({ id, name }, n) => [n ? " · " : "", ownPage("/ordlista", name, page, `#${id}`)]);
  return element("p", { class: "card-terms" }, element("span", inPageLanguage(page), page.words.say("card_terms")), links);
}

function ownPage(path, text, { words }, anchor = "") {
  return element("a", { href: `${path}?lang=${words.lang}${anchor}`, rel: "noopener", target: "_blank" }, text);
}

function siteLink(site, text) {
  return element("a", { href: site.href, rel: "noopener noreferrer", target: "_blank" }, text);
}

function webAddress(url) {
  try {
    const address = new URL(url);
    return ["https:", "http:"].includes(address.protocol) ? address : null;
  } catch {
    return null;
  }
}

/** A ul of texts. */
export function plainList(items) {
  return element("ul", {}, items.map((item) => element("li", {}, element("span", { dir: "auto" }, item))));
}

function heading(page, className, ...content) {
  return element(`h${page.level}`, { class: className, ...inPageLanguage(page) }, ...content);
}

function label(page, text) {
  return element("p", { class: "label", ...inPageLanguage(page) }, text);
}

function inPageLanguage(page) {
  return { lang: page.words.lang };
}

function icon(path) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  svg.setAttribute("class", "icon");
  const line = document.createElementNS(SVG, "path");
  line.setAttribute("d", path);
  svg.append(line);
  return svg;
}

function choiceGroup(message, page) {
  const { say } = page.words;
  const group = element("div", { class: "choices", role: "group", "aria-label": say("choices") });
  if (!page.choose) {
    group.append(...message.choices.map((choice) => element("span", { class: "choice" }, choice.label)));
  } else if (message.question?.multiple) {
    // "Skip" and its like answer the whole question: they stay buttons.
    group.append(...checkboxes(message.choices.filter((choice) => !isIntent(choice)), page, group));
    group.append(...message.choices.filter(isIntent).map((choice) => choiceButton(choice, page, group)));
  } else {
    group.append(...message.choices.map((choice) => choiceButton(choice, page, group)));
  }
  return group;
}

function isIntent(choice) {
  return choice.id.startsWith("intent:");
}

/** The ids of several choices as one: "actors:school" and "actors:bup" are "actors:school,bup". */
function joinIds(ids) {
  const prefix = ids[0].slice(0, ids[0].indexOf(":") + 1);
  return prefix + ids.map((id) => (id.startsWith(prefix) ? id.slice(prefix.length) : id)).join(",");
}

function choiceButton(choice, page, group) {
  const button = element("button", { class: "choice", type: "button", "data-label": choice.label }, choice.label);
  button.addEventListener("click", () => {
    if (!isClosed(group)) page.choose(choice.id, choice.label);
  });
  return button;
}

function checkboxes(choices, page, group) {
  const { say } = page.words;
  const boxes = choices.map((choice) => element("input", { type: "checkbox", value: choice.id }));
  const rows = choices.map(({ label: text }, n) =>
    element("label", { class: "choice choice-box", "data-label": text }, boxes[n], element("span", {}, text)),
  );
  const missing = element("p", { class: "trouble-text", role: "alert" });
  const send = element("button", { class: "button button-main", type: "button" }, say("send_choices"));
  group.addEventListener("click", (event) => {
    if (isClosed(group) && event.target.matches("input")) event.preventDefault();
  });
  send.addEventListener("click", () => {
    if (isClosed(group)) return;
    const chosen = choices.filter((_, n) => boxes[n].checked);
    missing.textContent = chosen.length ? "" : say("choose_one");
    if (!chosen.length) return boxes[0].focus();
    page.choose(joinIds(chosen.map(({ id }) => id)), chosen.map((choice) => choice.label).join(", "));
  });
  return [...rows, missing, send];
}

function isClosed(group) {
  return group.classList.contains("choices-closed");
}

/** Opens or closes the choices of a message; `answer` is what the parent then said. Closed choices
 *  stay readable, leave the tab order, and the one she took is marked in words. */
export function setChoices(item, isOpen, answer, { say }) {
  const group = item.querySelector(".choices");
  if (!group) return;
  const taken = `, ${answer}, `;
  group.classList.toggle("choices-closed", !isOpen);
  for (const control of group.querySelectorAll("button, input")) {
    if (isOpen) control.removeAttribute("aria-disabled");
    else control.setAttribute("aria-disabled", "true");
    control.tabIndex = isOpen ? 0 : -1;
  }
  for (const choice of group.querySelectorAll("[data-label]")) {
    const isTaken = !isOpen && taken.includes(`, ${choice.dataset.label}, `);
    choice.classList.toggle("choice-taken", isTaken);
    choice.querySelector(".hidden")?.remove();
    if (isTaken) choice.append(element("span", { class: "hidden" }, ` (${say("chosen")})`));
    const box = choice.querySelector("input");
    if (box && isTaken) box.checked = true;
  }
}
