// Opens the conversation of a one-time code and leaves it in this tab for the chat page.

const form = document.getElementById("resume");
const box = document.getElementById("code");
const trouble = document.getElementById("code-trouble");

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  trouble.textContent = "";
  try {
    const answer = await fetch("/api/resume", {
      method: "POST",
      headers: { "Content-Type": "application/json", "Accept-Language": document.documentElement.lang },
      body: JSON.stringify({ code: box.value }),
    });
    const said = await answer.json();
    if (!answer.ok) return refuse(said.error?.message ?? form.dataset.wrong);
    const { conversation_id, token, municipality, language } = said;
    sessionStorage.setItem(`lotsa:${municipality}`, JSON.stringify({ conversation_id, token }));
    location.replace(`/chat/${encodeURIComponent(municipality)}?lang=${encodeURIComponent(language)}`);
  } catch {
    refuse(form.dataset.offline);
  }
});

function refuse(text) {
  trouble.textContent = text;
  box.setAttribute("aria-invalid", "true");
  box.focus();
}
