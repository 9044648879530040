// Ticks in a list, kept through renewals, and the bar that says what would be done with them.

const bar = () => document.querySelector<HTMLElement>("[data-bulk]");
const boxes = () => [...document.querySelectorAll<HTMLInputElement>("[data-row] input[name=id]")];

export function chosen(): HTMLInputElement[] {
  return boxes().filter((box) => box.checked);
}

export function show(): void {
  const element = bar();
  if (!element) return;
  const count = chosen().length;
  element.hidden = count === 0;
  const whole = element.querySelector<HTMLInputElement>("[data-scope]");
  if (whole && count === 0) whole.checked = false;
  element.classList.toggle("whole", !!whole?.checked);
  element.dataset.ready = "";
  for (const word of element.querySelectorAll("[data-bulk-count]")) word.textContent = String(count);
  for (const box of boxes()) {
    box.closest<HTMLElement>("[data-row]")?.classList.toggle("selected", box.checked);
  }
  const all = document.querySelector<HTMLInputElement>("[data-select-all]");
  if (all) {
    all.checked = count > 0 && count === boxes().length;
    all.indeterminate = count > 0 && count < boxes().length;
  }
}

/** Notes what is ticked from now on, for what comes in its place in a moment; the answer puts it back. */
export function carryTicks(): () => void {
  const ticked = () => new Set(chosen().map((box) => box.value));
  let kept = ticked();
  const note = () => (kept = ticked());
  for (const kind of ["change", "click"]) document.addEventListener(kind, note);
  return () => {
    for (const kind of ["change", "click"]) document.removeEventListener(kind, note);
    for (const box of boxes()) box.checked = kept.has(box.value);
    show();
  };
}

export function keepSelection(): void {
  let last: HTMLInputElement | null = null;
  document.addEventListener("change", (event) => {
    const target = event.target as HTMLInputElement;
    if (target.matches("[data-select-all]")) {
      for (const box of boxes()) box.checked = target.checked;
      show();
    }
    if (target.matches("[data-row] input[name=id], [data-scope]")) show();
  });
  document.addEventListener("click", (event) => {
    const target = event.target as HTMLElement;
    if (target.closest("[data-clear-selection]")) {
      for (const box of boxes()) box.checked = false;
      show();
      return;
    }
    const box = target.closest<HTMLInputElement>("[data-row] input[name=id]");
    if (!box) return;
    if (event.shiftKey && last) {
      const all = boxes();
      const [from, to] = [all.indexOf(last), all.indexOf(box)].sort((a, b) => a - b);
      for (const each of all.slice(from, (to ?? 0) + 1)) each.checked = box.checked;
      show();
    }
    last = box;
  });
  document.addEventListener("htmx:after:swap", show);
  document.addEventListener("tocsin:renewed", show);
  show();
}
