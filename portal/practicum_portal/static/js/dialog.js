/* A confirmation that is a page of its own opens in the dialog when a script can run. */
export function watchDialog() {
  const dialog = document.getElementById("dialog");

  document.addEventListener("htmx:after:swap", (event) => {
    if (event.detail.ctx.target !== dialog || !dialog.firstElementChild) return;
    for (const menu of document.querySelectorAll("details.menu[open]")) menu.open = false;
    if (!dialog.open) dialog.showModal();
  });
  document.addEventListener("htmx:finally:request", (event) => {
    if (dialog.contains(event.detail.ctx.sourceElement)) dialog.close();
  });
  dialog.addEventListener("click", (event) => {
    const outside = event.target === dialog;
    if (!outside && !event.target.closest("[data-close]")) return;
    event.preventDefault();
    dialog.close();
  });
  dialog.addEventListener("close", () => dialog.replaceChildren());
}
