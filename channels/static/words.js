// The page's texts and its dates, in the page's language.

const ZONE = "Europe/Stockholm"; // promised times are the municipality's, wherever the phone is
const CLOCK = /^\d\d[.:]\d\d$/;
const ISO_MOMENT = /^\d{4}-\d\d-\d\dT/;

/** Reads the page's config: `say(id, values)` gives a text, the rest says dates in `lang`. */
export function wordsFrom({ texts, lang }, prefix) {
  const locales = [`${lang === "en" ? "en-GB" : lang}-u-ca-gregory-nu-latn`, "sv"];
  const formatter = (options) => new Intl.DateTimeFormat(locales, { timeZone: ZONE, ...options });
  const clock = formatter({ hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
  // A browser that does not know the language would say the names in another: figures then.
  const isKnown = Intl.DateTimeFormat.supportedLocalesOf(lang).length > 0;
  const inFigures = { day: "2-digit", month: "2-digit", year: "numeric" };
  const weekday = formatter(isKnown ? { weekday: "long", day: "numeric", month: "long" } : inFigures);
  const date = formatter(isKnown ? { day: "numeric", month: "long", year: "numeric" } : inFigures);
  const day = formatter({ day: "numeric", month: "numeric", year: "numeric" });

  function say(id, values = {}) {
    const text = texts[prefix + id] ?? "";
    return text.replace(/\{(\w+)\}/g, (_, name) => values[name] ?? "");
  }

  /** "kl. 16.00" today, "tisdag 6 maj kl. 08.15" another day; a time already in words stays as it is. */
  function sayTime(value) {
    if (CLOCK.test(value)) return say("time_today", { clock: value });
    if (!ISO_MOMENT.test(value)) return String(value ?? "");
    const moment = new Date(value);
    const time = lang === "sv" ? clock.format(moment).replace(":", ".") : clock.format(moment);
    if (day.format(moment) === day.format(new Date())) return say("time_today", { clock: time });
    return say("time_other", { date: weekday.format(moment), clock: time });
  }

  /** "22 november 2026" for a date without a time. */
  function sayDate(value) {
    const moment = new Date(`${value}T12:00:00Z`);
    return Number.isNaN(moment.getTime()) ? String(value) : date.format(moment);
  }

  return { say, sayTime, sayDate, lang };
}
