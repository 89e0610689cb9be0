/* What was done is said for a while; what went wrong stays. */
const SECONDS = 12;

export function watchFlashes() {
  const pass = () => {
    for (const flash of document.querySelectorAll("[data-passing]")) {
      setTimeout(() => flash.remove(), SECONDS * 1000);
    }
  };
  document.addEventListener("htmx:after:swap", pass);
  pass();
}
