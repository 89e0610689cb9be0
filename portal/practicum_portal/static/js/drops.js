/* Lets a file be dropped on the box around a file field. */
export function watchDrops() {
  for (const box of document.querySelectorAll("[data-drop]")) {
    const field = box.querySelector("input[type=file]");
    const mark = (over) => box.classList.toggle("drop-over", over);
    box.addEventListener("dragover", (event) => {
      event.preventDefault();
      mark(true);
    });
    box.addEventListener("dragleave", () => mark(false));
    box.addEventListener("drop", (event) => {
      event.preventDefault();
      mark(false);
      if (event.dataTransfer.files.length) field.files = event.dataTransfer.files;
    });
  }
}
