// Sound: off unless wished for this view. Two short tones for what is critical, one for all else; what ends
// is never heard. Drawn by the browser itself: nothing is loaded.

const ORDER = ["CRITICAL", "HIGH", "MEDIUM", "LOW", "INFO"];

let audio: AudioContext | null = null;

function control(): HTMLElement | null {
  return document.querySelector<HTMLElement>("[data-sound]");
}

/** Whether this view is heard; then a hidden tab goes on looking. */
export function isHeard(): boolean {
  return Boolean(control()?.dataset.sound);
}

/** Of what has just come into the view, the worst; silent unless it is severe enough. */
export function sound(severities: string[]): void {
  const least = ORDER.indexOf(control()?.dataset.sound ?? "");
  const worst = Math.min(...severities.map((each) => ORDER.indexOf(each)).filter((each) => each >= 0));
  if (least >= 0 && worst <= least) void play(worst === 0);
}

async function play(twice: boolean): Promise<void> {
  audio ??= new AudioContext();
  // Browsers want a click or a key first. Without one this waits for it, and says so.
  const waits = setTimeout(() => say("Your browser plays sounds only after a click on this page."), 500);
  await audio.resume();
  clearTimeout(waits);
  say("");
  const now = audio.currentTime;
  tone(audio, now, 880);
  if (twice) tone(audio, now + 0.25, 1175);
  document.dispatchEvent(new CustomEvent("tocsin:sounded"));
}

function tone(on: AudioContext, at: number, hertz: number): void {
  const source = on.createOscillator();
  const volume = on.createGain();
  source.frequency.value = hertz;
  volume.gain.setValueAtTime(0.0001, at);
  volume.gain.exponentialRampToValueAtTime(0.4, at + 0.02);
  volume.gain.exponentialRampToValueAtTime(0.0001, at + 0.22);
  source.connect(volume).connect(on.destination);
  source.start(at);
  source.stop(at + 0.25);
}

function say(words: string): void {
  const place = document.querySelector<HTMLElement>("[data-sound-words]");
  if (place) place.textContent = words;
}

export function offerSound(): void {
  const element = control();
  if (!element || !("AudioContext" in window)) return;
  element.hidden = false;
  document.addEventListener("click", (event) => {
    if ((event.target as Element).closest("[data-sound-test]")) void play(true);
  });
}
