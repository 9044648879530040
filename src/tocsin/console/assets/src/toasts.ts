// What was just done, with a way back for ten seconds.

export function keepToasts(): void {
  const fade = () => {
    for (const toast of document.querySelectorAll<HTMLElement>(".toast:not([data-timed])")) {
      toast.dataset.timed = "";
      setTimeout(() => toast.remove(), 10_000);
    }
  };
  fade();
  document.addEventListener("htmx:after:swap", fade);
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") document.querySelector(".toast")?.remove();
  });
}
