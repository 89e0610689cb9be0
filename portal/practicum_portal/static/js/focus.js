/* A keyboard stays where it was when what had the focus is replaced. */
export function keepFocus() {
  let before = null;

  document.addEventListener("htmx:before:swap", () => {
    const active = document.activeElement;
    before = active && active !== document.body ? { id: active.id, group: groupOf(active) } : null;
  });
  document.addEventListener("htmx:after:swap", () => {
    if (!before || document.activeElement !== document.body) return;
    const group = document.getElementById(before.group);
    const target = document.getElementById(before.id)
      ?? group?.querySelector("a.button, button.button, summary.button");
    target?.focus({ preventScroll: true });
    before = null;
  });
}

function groupOf(element) {
  return element.closest("[data-phase]")?.id ?? "main";
}
