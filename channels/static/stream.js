// Server-sent events over fetch: EventSource cannot send the token in a header.

const SILENCE_MS = 45_000; // the server sends a comment at least every 20 s

/** Follows a stream until `signal` aborts: yields {id, event, data}; ends when the server closes.
 *  Throws when nothing, not even a comment, has come for 45 s. */
export async function* readEvents(response, signal) {
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  let fields = { id: "", event: "message", data: [] };
  try {
    while (!signal.aborted) {
      const { value, done } = await withinSilence(reader.read(), signal);
      if (done) return;
      const lines = (rest + value).split(/\r\n|\n|\r(?!$)/);
      rest = lines.pop();
      for (const line of lines) {
        if (line !== "") {
          readField(line, fields);
        } else {
          if (fields.data.length) yield { ...fields, data: fields.data.join("\n") };
          fields = { id: fields.id, event: "message", data: [] };
        }
      }
    }
  } finally {
    reader.cancel().catch(() => {});
  }
}

function readField(line, fields) {
  const colon = line.indexOf(":");
  if (colon === 0) return;
  const name = colon < 0 ? line : line.slice(0, colon);
  const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
  if (name === "data") fields.data.push(value);
  else if (name === "id" || name === "event") fields[name] = value;
}

function withinSilence(reading, signal) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error("the stream is silent")), SILENCE_MS);
    const stop = () => reject(new Error("the stream was stopped"));
    signal.addEventListener("abort", stop, { once: true });
    reading.then(resolve, reject).finally(() => {
      clearTimeout(timer);
      signal.removeEventListener("abort", stop);
    });
  });
}

/** A pause that doubles from one second to thirty, spread so that browsers do not return at once.
 *  `wake()` ends the pause that is running. */
export class Backoff {
  #attempts = 0;
  #wake = () => {};

  reset() {
    this.#attempts = 0;
  }

  wake() {
    this.#wake();
  }

  pause() {
    const longest = Math.min(30_000, 1000 * 2 ** this.#attempts++);
    const delay = longest * (0.5 + Math.random() / 2);
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, delay);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}
