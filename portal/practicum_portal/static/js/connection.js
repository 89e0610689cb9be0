/* Says when the page is no longer live, and when it is again; tries again what never began. */
const FIRST_RETRY = 1000;
const LAST_RETRY = 30000;
const ENDED = [401, 403];

export function watchConnection() {
  const line = document.getElementById("link-state");
  let delay = FIRST_RETRY;

  function say(kind) {
    line.hidden = !kind;
    line.textContent = kind ? line.dataset[kind] : "";
  }

  /* The extension comes back by itself after a stream broke, but not when the first try failed. */
  function beginAgain(event) {
    const element = event.detail.ctx?.sourceElement;
    const address = element?.getAttribute?.("hx-sse:connect");
    if (!address || !element.isConnected) return;
    const ended = ENDED.includes(event.detail.ctx.response?.status);
    say(ended ? "ended" : "lost");
    if (ended) return;
    setTimeout(() => {
      if (element.isConnected) window.htmx.ajax("GET", address, { source: element });
    }, delay);
    delay = Math.min(delay * 2, LAST_RETRY);
  }

  document.addEventListener("htmx:error", beginAgain);
  document.addEventListener("htmx:response:error", beginAgain);
  document.addEventListener("htmx:sse:after:connection", () => {
    delay = FIRST_RETRY;
    say("");
  });
  document.addEventListener("htmx:sse:error", (event) => {
    say(ENDED.includes(event.detail.status) ? "ended" : "lost");
  });
  document.addEventListener("practicum:live", (event) => say(event.detail));
  /* Leaving the page ends streams as well; that is no news. */
  window.addEventListener("pagehide", () => say(""));
}
