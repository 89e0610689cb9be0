/* A keyboard stays where it was when what had the focus is replaced or was disabled meanwhile. */
export function keepFocus() {
  let last = null;

  document.addEventListener("focusin", (event) => {
    last = { id: event.target.id, group: groupOf(event.target) };
  });
  document.addEventListener("pointerdown", () => {
    last = null;
  });
  document.addEventListener("htmx:after:swap", () => {
    if (!last || document.activeElement !== document.body) return;
    const group = document.getElementById(last.group);
    const target = (last.id ? document.getElementById(last.id) : null)
      ?? group?.querySelector("a.button, button.button, summary.button")
      ?? document.getElementById("main");
    target.focus({ preventScroll: true });
  });
}

function groupOf(element) {
  return element.closest("[data-phase]")?.id ?? "main";
}
