/* What one acts on keeps the focus and stays in sight when it is replaced, moved or disabled. */
export function keepFocus() {
  let last = null;

  document.addEventListener("focusin", (event) => {
    last = { id: event.target.id, group: groupOf(event.target) };
  });
  document.addEventListener("pointerdown", () => {
    last = null;
  });
  document.addEventListener("htmx:after:swap", (event) => {
    if (!last) return;
    const group = document.getElementById(last.group);
    if (document.activeElement === document.body) {
      const target = (last.id ? document.getElementById(last.id) : null)
        ?? group?.querySelector("a.button, button.button, summary.button")
        ?? document.getElementById("main");
      target.focus({ preventScroll: true });
    }
    const acted = event.detail.ctx.target?.id === "main";
    if (acted && group && group.offsetHeight < innerHeight) group.scrollIntoView({ block: "nearest" });
  });
}

function groupOf(element) {
  return element.closest("[data-phase]")?.id ?? "main";
}
