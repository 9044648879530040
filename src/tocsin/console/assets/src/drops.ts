// What opens below a button closes again: by Escape, which leads back to the button, and by a click elsewhere.

const OPEN = "details:is(.drop, .view-menu, .places)[open]";

export function closeDrops(): void {
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || document.querySelector("dialog[open]")) return;
    const open =
      document.activeElement?.closest<HTMLDetailsElement>(OPEN) ?? document.querySelector<HTMLDetailsElement>(OPEN);
    if (!open) return;
    open.open = false;
    open.querySelector("summary")?.focus();
  });
  document.addEventListener("click", (event) => {
    for (const each of document.querySelectorAll<HTMLDetailsElement>(OPEN)) {
      if (!each.contains(event.target as Node)) each.open = false;
    }
  });
}
