// A button beside a text that one will want to paste.

function take(text: string, button: HTMLElement): void {
  void navigator.clipboard.writeText(text).then(() => {
    const words = button.querySelector("span") ?? button;
    const before = words.textContent;
    words.textContent = "Copied";
    setTimeout(() => (words.textContent = before), 2_000);
  });
}

/** What a guide says to enter somewhere can be copied, too. */
function offerInGuides(): void {
  const icons = document.documentElement.dataset.icons;
  for (const block of document.querySelectorAll<HTMLElement>(".guide pre")) {
    const text = block.textContent?.trimEnd() ?? "";
    const button = document.createElement("button");
    button.type = "button";
    button.className = "btn plain";
    button.setAttribute("aria-label", "Copy");
    if (icons) button.innerHTML = `<svg class="icon" aria-hidden="true"><use href="${icons}#copy"></use></svg>`;
    button.append(document.createElement("span"));
    button.addEventListener("click", () => take(text, button));
    block.append(button);
  }
}

export function copyOnClick(): void {
  offerInGuides();
  document.addEventListener("click", (event) => {
    const button = (event.target as Element).closest<HTMLElement>("[data-copy]");
    if (!button) return;
    event.preventDefault();
    take(document.querySelector(button.dataset.copy!)?.textContent?.trim() ?? "", button);
  });
}
