/* Says when the page is no longer live, and when it is again. */
export function watchConnection() {
  const line = document.getElementById("link-state");

  function say(kind) {
    line.hidden = !kind;
    line.textContent = kind ? line.dataset[kind] : "";
  }
  document.addEventListener("htmx:sse:after:connection", () => say(""));
  document.addEventListener("htmx:sse:error", (event) => {
    const status = event.detail.status;
    say(status === 401 || status === 403 ? "ended" : "lost");
  });
  document.addEventListener("practicum:live", (event) => say(event.detail));
  /* Leaving the page ends streams as well; that is no news. */
  window.addEventListener("pagehide", () => say(""));
}
