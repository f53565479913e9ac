// Gives a one-time code to go on with this conversation later, or by SMS.

const opener = document.getElementById("pause");
const dialog = document.getElementById("pause-dialog");
const text = document.getElementById("pause-text");
const shown = document.getElementById("pause-code");
const bySms = document.getElementById("pause-sms");

/** What this tab remembers of its conversation; nothing where there is none yet. */
function remembered() {
  try {
    return JSON.parse(sessionStorage.getItem(`lotsa:${opener.dataset.municipality}`)) ?? {};
  } catch {
    return {};
  }
}

/** A code and the words that explain it; only words where there can be none now. */
export async function newCode(purpose) {
  const { conversation_id, token } = remembered();
  try {
    const answer = await fetch(`/api/conversations/${conversation_id}/codes`, {
      method: "POST",
      headers: {
        "Content-Type": "application/json",
        "Accept-Language": document.documentElement.lang,
        Authorization: `Bearer ${token}`,
      },
      body: JSON.stringify({ purpose }),
    });
    const said = await answer.json();
    if (purpose === "move" && answer.status === 400) bySms.hidden = true;
    if (answer.ok) return { text: said.text, code: said.code };
    return { text: `${said.error.message} ${said.error.hint}`, code: "" };
  } catch {
    return { text: opener.dataset.trouble, code: "" };
  }
}

async function give(purpose) {
  text.textContent = shown.textContent = "";
  const given = await newCode(purpose);
  text.textContent = given.text;
  shown.textContent = given.code;
}

opener.addEventListener("click", () => {
  dialog.showModal();
  give("pause");
});
bySms.addEventListener("click", () => give("move"));
document.getElementById("pause-close").addEventListener("click", () => dialog.close());
