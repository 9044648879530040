// A button beside a text that one will want to paste.

export function copyOnClick(): void {
  document.addEventListener("click", (event) => {
    const button = (event.target as Element).closest<HTMLElement>("[data-copy]");
    if (!button) return;
    event.preventDefault();
    const text = document.querySelector(button.dataset.copy!)?.textContent?.trim() ?? "";
    void navigator.clipboard.writeText(text).then(() => {
      const words = button.querySelector("span") ?? button;
      const before = words.textContent;
      words.textContent = "Copied";
      setTimeout(() => (words.textContent = before), 2_000);
    });
  });
}
