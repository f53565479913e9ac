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

async function give(purpose) {
  const { conversation_id, token } = remembered();
  text.textContent = shown.textContent = "";
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
    text.textContent = answer.ok ? said.text : `${said.error.message} ${said.error.hint}`;
    shown.textContent = answer.ok ? said.code : "";
  } catch {
    text.textContent = opener.dataset.trouble;
  }
}

opener.addEventListener("click", () => {
  dialog.showModal();
  give("pause");
});
bySms.addEventListener("click", () => give("move"));
document.getElementById("pause-close").addEventListener("click", () => dialog.close());
