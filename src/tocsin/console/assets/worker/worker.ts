// The service worker: says so when there is no way to the server, shows what is pushed, and acts on its
// buttons. It keeps one page and its looks, and never an alert: what is old must not look as if it held.

const worker = self as unknown as ServiceWorkerGlobalScope;

const KEPT = "tocsin-offline";
const OFFLINE = "/offline";

/** What the channel `push` sends (docs/channels/push.md). */
interface Notice {
  id: string;
  tag: string;
  title: string;
  body: string;
  silent: boolean;
  requireInteraction: boolean;
  actions: { action: string; title: string; url: string; code?: string }[];
}

worker.addEventListener("install", (event) => {
  event.waitUntil(keepOffline().then(() => worker.skipWaiting()));
});

worker.addEventListener("activate", (event) => {
  // A page does not wait until this worker is awake.
  event.waitUntil(Promise.all([worker.registration.navigationPreload?.enable(), worker.clients.claim()]));
});

worker.addEventListener("fetch", (event) => {
  if (event.request.mode === "navigate" && event.request.method === "GET") {
    event.respondWith(navigate(event));
  } else if (new URL(event.request.url).pathname.startsWith("/static/")) {
    event.respondWith(caches.match(event.request).then((kept) => kept ?? fetch(event.request)));
  }
});

worker.addEventListener("push", (event) => {
  event.waitUntil(show(read(event.data)));
});

worker.addEventListener("notificationclick", (event) => {
  event.waitUntil(answer(event.notification, event.action));
});

async function keepOffline(): Promise<void> {
  const page = await fetch(OFFLINE, { cache: "reload", credentials: "omit" });
  if (!page.ok) return;
  const looks = [...(await page.clone().text()).matchAll(/href="(\/static\/[^"]+\.(?:css|woff2))"/g)];
  await caches.delete(KEPT);
  const kept = await caches.open(KEPT);
  await kept.put(OFFLINE, page);
  await kept.addAll(looks.map((each) => each[1] ?? OFFLINE));
}

async function navigate(event: FetchEvent): Promise<Response> {
  try {
    const preloaded: Response | undefined = await event.preloadResponse;
    return preloaded ?? (await fetch(event.request));
  } catch {
    return (await caches.match(OFFLINE)) ?? Response.error();
  }
}

function read(data: PushMessageData | null): Notice {
  const usual = { id: "", tag: "tocsin", body: "Open Tocsin to see it.", silent: false, requireInteraction: false };
  try {
    return { ...usual, title: "Tocsin", actions: [], ...(data?.json() as Partial<Notice> | undefined) };
  } catch {
    return { ...usual, title: "Tocsin", actions: [] };
  }
}

async function show(notice: Notice): Promise<void> {
  const options: NotificationOptions & Record<string, unknown> = {
    body: notice.body,
    tag: notice.tag,
    silent: notice.silent,
    // One that takes the place of another is heard, unless it is about an end.
    renotify: !notice.silent,
    requireInteraction: notice.requireInteraction,
    icon: "/app-icon.png",
    badge: "/app-icon.png",
    data: notice,
    actions: notice.actions.map(({ action, title }) => ({ action, title })),
  };
  await worker.registration.showNotification(notice.title, options);
}

async function answer(notification: Notification, action: string): Promise<void> {
  const notice = notification.data as Notice;
  const chosen = notice.actions?.find((each) => each.action === action);
  if (action === "acknowledge" && chosen?.code) {
    await acknowledge(notice, chosen.url, chosen.code);
    return;
  }
  notification.close();
  const there = notice.actions?.find((each) => each.action === "open");
  await open(there ? here(there.url) : "/");
}

/** At once, without a page: with the link and the code of the message, which work without signing in. */
async function acknowledge(notice: Notice, url: string, code: string): Promise<void> {
  const rest = { ...notice, silent: true, requireInteraction: false };
  let title = "Not acknowledged: no way to Tocsin";
  try {
    const said = await fetch(here(url), {
      method: "POST",
      body: new URLSearchParams({ code }),
      credentials: "omit",
      redirect: "error",
    });
    if (said.ok) {
      const left = notice.actions.filter((each) => each.action === "open");
      await show({ ...rest, title: "Acknowledged", body: notice.title, actions: left });
      return;
    }
    title = said.status === 410 ? "Not acknowledged: this message is too old" : "Not acknowledged";
  } catch {
    // The title says it.
  }
  await show({ ...rest, title, body: `${notice.title}. Open it, and try there.`, requireInteraction: true });
}

/** The same place at the address that this worker came from: a message may name the server otherwise. */
function here(url: string): string {
  const { pathname, search } = new URL(url, worker.location.origin);
  return new URL(pathname + search, worker.location.origin).href;
}

async function open(address: string): Promise<void> {
  const url = new URL(address, worker.location.origin).href;
  const windows = await worker.clients.matchAll({ type: "window" });
  for (const each of windows) {
    try {
      await (await each.navigate(url))?.focus();
      return;
    } catch {
      // One that this worker does not control goes nowhere; the next may.
    }
  }
  await worker.clients.openWindow(url);
}
