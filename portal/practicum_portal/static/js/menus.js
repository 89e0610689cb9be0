/* Menus are <details>: they close on Escape, on a click outside and when the focus leaves. */
const OPEN = "details.menu[open]";

export function watchMenus() {
  document.addEventListener("click", (event) => {
    for (const menu of document.querySelectorAll(OPEN)) {
      if (!menu.contains(event.target)) menu.open = false;
    }
  });
  document.addEventListener("toggle", (event) => {
    const list = event.target.matches?.(OPEN) && event.target.querySelector(".menu-list");
    if (!list) return;
    event.target.removeAttribute("data-up");
    const { bottom, height } = list.getBoundingClientRect();
    const above = event.target.getBoundingClientRect().top;
    if (bottom > innerHeight && above > height) event.target.setAttribute("data-up", "");
  }, true);
  document.addEventListener("focusout", (event) => {
    const menu = event.target.closest?.(OPEN);
    if (menu && event.relatedTarget && !menu.contains(event.relatedTarget)) menu.open = false;
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    const menu = event.target.closest?.(OPEN);
    if (!menu) return;
    menu.open = false;
    menu.querySelector("summary").focus();
  });
}
