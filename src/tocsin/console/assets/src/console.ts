// What every page of the console runs. Pages work without it; it makes them live and quick.

import "../styles/console.css";
import "htmx.org";
import { keepTimes } from "./times";
import { keepLive } from "./live";
import { listenToKeys } from "./keys";
import { openJumpMenu } from "./menu";
import { closeDrops } from "./drops";
import { keepSelection } from "./selection";
import { keepToasts } from "./toasts";
import { copyOnClick } from "./copy";
import { previewWhileTyping } from "./preview";
import { watchForStaleness } from "./wallboard";
import { offerPush, registerWorker } from "./push";
import { completeQueries } from "./completion";
import { countViews, keepFacets } from "./facets";
import { offerSound } from "./sound";
import { chooseOnLanes } from "./lanes";

// Whatever htmx sends carries the token that only a page of ours can know.
document.addEventListener("htmx:config:request", (event) => {
  const token = document.querySelector<HTMLMetaElement>('meta[name="csrf-token"]')?.content;
  const request = (event as CustomEvent).detail.ctx.request as { headers: Record<string, string> };
  if (token) request.headers["X-CSRF-Token"] = token;
});

keepTimes();
keepLive();
listenToKeys();
openJumpMenu();
closeDrops();
keepSelection();
keepToasts();
copyOnClick();
watchForStaleness();
previewWhileTyping();
chooseOnLanes();

// Only where there is something to draw: the library is not small.
if (document.querySelector("[data-plot]")) {
  void import("./charts").then(({ drawCharts }) => drawCharts());
}
registerWorker();
offerPush();
completeQueries();
keepFacets();
void countViews();
offerSound();
