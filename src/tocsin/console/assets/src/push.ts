// The installable app: its service worker, and the button that has this device paged by push.

/** Kept for pages without a way to the server, and for what is pushed; where a browser allows it. */
export function registerWorker(): void {
  if (!document.querySelector('meta[name="csrf-token"]') || !("serviceWorker" in navigator)) return;
  addEventListener("load", () => void navigator.serviceWorker.register("/service-worker.js").catch(() => {}));
}

/** Offers push on one's own page where this browser can have it; else says why not. */
export function offerPush(): void {
  const form = document.querySelector<HTMLFormElement>("form[data-push-key]");
  if (!form) return;
  const words = form.querySelector<HTMLElement>("[data-push-words]");
  const button = form.querySelector<HTMLButtonElement>("button");
  if (!words || !button) return;
  const reason = whyNot();
  if (reason) {
    words.textContent = reason;
    return;
  }
  button.hidden = false;
  words.textContent = "A code is pushed to this device; enter it above.";
  button.addEventListener("click", (event) => {
    event.preventDefault();
    button.disabled = true;
    subscribe(form).catch((error: unknown) => {
      button.disabled = false;
      words.textContent = failure(error);
    });
  });
}

function whyNot(): string | null {
  if (!window.isSecureContext) {
    return "A browser allows push over https:// only, and this page came without. Whoever runs this installation can put it behind a proxy with a certificate.";
  }
  if (!("serviceWorker" in navigator) || !("PushManager" in window)) {
    const isApple = /iPhone|iPad/.test(navigator.userAgent);
    return isApple
      ? "On an iPhone or iPad, add Tocsin to the home screen first (Share, Add to Home Screen), and open it from there."
      : "This browser cannot be pushed to.";
  }
  if (Notification.permission === "denied") {
    return "Notifications of this page are blocked in the settings of this browser; allow them there, then load the page again.";
  }
  return null;
}

async function subscribe(form: HTMLFormElement): Promise<void> {
  if ((await Notification.requestPermission()) !== "granted") throw new Error("denied");
  const registration = await navigator.serviceWorker.ready;
  const subscription = await registration.pushManager.subscribe({
    userVisibleOnly: true,
    applicationServerKey: form.dataset.pushKey ?? "",
  });
  const { endpoint, keys } = subscription.toJSON();
  fill(form, "config.url", endpoint);
  fill(form, "config.p256dh", keys?.p256dh);
  fill(form, "config.auth", keys?.auth);
  fill(form, "label", deviceName());
  form.submit();
}

function fill(form: HTMLFormElement, name: string, value: string | undefined): void {
  const field = form.elements.namedItem(name);
  if (field instanceof HTMLInputElement) field.value = value ?? "";
}

function failure(error: unknown): string {
  if (error instanceof Error && error.message === "denied") {
    return "You did not allow notifications; without them nothing can be pushed.";
  }
  return "The browser's push service did not answer. Try again, or add another way.";
}

function deviceName(): string {
  const agent = navigator.userAgent;
  const browser = ["Edg", "Firefox", "Chrome", "Safari"].find((each) => agent.includes(each)) ?? "Browser";
  const system = ["Android", "iPhone", "iPad", "Windows", "Mac OS X", "Linux"].find((each) => agent.includes(each));
  return `${browser === "Edg" ? "Edge" : browser}${system ? ` on ${system.replace(" OS X", "")}` : ""}`;
}
