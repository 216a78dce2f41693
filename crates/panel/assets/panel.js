// Keeps parts of pages live, plays a zone in the browser, and asks before what cannot be taken back.

const RETRY_MS = 5000;
const player = document.getElementById("player");
let listening = null;
let levels = {};

for (const part of document.querySelectorAll("[data-live]")) follow(part);

function follow(part) {
  const lost = document.querySelector("[data-lost]");
  const source = new EventSource(part.dataset.live);
  source.addEventListener("part", (event) => renew(part, event.data));
  source.addEventListener("levels", (event) => { levels = JSON.parse(event.data); showLevels(); });
  source.addEventListener("open", () => { lost.hidden = true; });
  source.addEventListener("error", async () => {
    lost.hidden = false;
    // A browser tries again by itself, unless the answer was a refusal.
    if (source.readyState !== EventSource.CLOSED) return;
    const answer = await fetch("/api/v1/snapshot").catch(() => null);
    if (answer?.status === 401) location.assign("/login");
    // What is no longer permitted says so.
    else if (answer?.status === 403) location.reload();
    else setTimeout(follow, RETRY_MS, part);
  });
}

function renew(part, html) {
  // A button that goes away between press and release was not pressed.
  if (part.querySelector("button:active")) {
    document.addEventListener("pointerup", () => setTimeout(renew, 0, part, html), { once: true });
    return;
  }
  const focused = part.contains(document.activeElement) ? name(document.activeElement) : null;
  part.innerHTML = html;
  showListening();
  showProgress();
  showLevels();
  if (focused) [...part.querySelectorAll("button")].find((button) => name(button) === focused)?.focus();
}

// What a button does tells it from the others, before and after a renewal.
function name(button) {
  return button.dataset.listen ?? `${button.form?.action} ${button.textContent}`;
}

// How loud each zone is, dBFS, by its code; one to which nothing is sent is not there.
function showLevels() {
  for (const meter of document.querySelectorAll("[data-level]")) meter.value = levels[meter.dataset.level] ?? meter.min;
  for (const said of document.querySelectorAll("[data-level-of]")) {
    const level = levels[said.dataset.levelOf];
    said.value = level === undefined ? "– dBFS" : `${level.toFixed(0).replace("-", "−")} dBFS`;
  }
}

const clock = document.querySelector("[data-now]");
const ahead = clock ? Number(clock.dataset.now) - Date.now() : 0;

function showProgress() {
  for (const bar of document.querySelectorAll("progress[data-since]")) {
    const [since, ends] = [Number(bar.dataset.since), Number(bar.dataset.ends)];
    bar.value = ends > since ? (Date.now() + ahead - since) / (ends - since) : 0;
  }
}

if (clock) {
  showProgress();
  setInterval(showProgress, 1000);
}

function showListening() {
  for (const button of document.querySelectorAll("[data-listen]")) {
    button.setAttribute("aria-pressed", String(button.dataset.listen === listening));
  }
}

// A browser that is given an address reads it in large blocks and plays many seconds late. So a script
// hands it packet after packet where that can be done.
const KIND = 'audio/webm; codecs="opus"';
const BEHIND_MAX_S = 3;
const BEHIND_S = 0.5;
const KEPT_S = 30;
let leave = new AbortController();

function listen(to) {
  leave.abort();
  leave = new AbortController();
  listening = to;
  document.querySelector("[data-listen-failed]").hidden = true;
  if (!to) {
    player.removeAttribute("src");
    player.load();
  } else if (window.MediaSource?.isTypeSupported(KIND)) {
    const { signal } = leave;
    const source = new MediaSource();
    player.src = URL.createObjectURL(source);
    source.addEventListener("sourceopen", () => {
      URL.revokeObjectURL(player.src);
      feed(source, `${to}.webm`, signal).catch((error) => { if (!signal.aborted) failed(error); });
    }, { once: true });
    player.play().catch(failed);
  } else {
    // Begun anew each time: a stream that was paused would go on in the past.
    player.src = `${to}.opus?from=${Date.now()}`;
    player.play().catch(failed);
  }
  showListening();
}

async function feed(source, address, signal) {
  const answer = await fetch(address, { signal });
  if (!answer.ok) throw new Error(answer.statusText);
  const buffer = source.addSourceBuffer(KIND);
  const done = () => new Promise((resolve) => buffer.addEventListener("updateend", resolve, { once: true }));
  for await (const chunk of chunks(answer.body.getReader())) {
    if (signal.aborted) return;
    buffer.appendBuffer(chunk);
    await done();
    const held = player.buffered;
    if (!held.length) continue;
    const end = held.end(held.length - 1);
    if (end - player.currentTime > BEHIND_MAX_S) player.currentTime = end - BEHIND_S;
    if (player.currentTime - held.start(0) > 2 * KEPT_S) {
      buffer.remove(0, player.currentTime - KEPT_S);
      await done();
    }
  }
  throw new Error("the stream has ended");
}

async function* chunks(reader) {
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    yield value;
  }
}

function failed(error) {
  // Stopping, or choosing another zone, ends the wait for the first sound.
  if (!listening || error?.name === "AbortError") return;
  listen(null);
  document.querySelector("[data-listen-failed]").hidden = false;
}

player?.addEventListener("error", failed);
player?.addEventListener("ended", failed);

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-listen]");
  if (button) listen(listening === button.dataset.listen ? null : button.dataset.listen);
});

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (!form.dataset.confirm) return;
  const chosen = [...form.querySelectorAll("select")].map((select) => select.selectedOptions[0].text.trim());
  const about = form.dataset.about ?? chosen.join("\n");
  if (!window.confirm(`${form.dataset.confirm}\n\n${about}`)) event.preventDefault();
});

for (const form of document.querySelectorAll("form[data-at-once]")) {
  form.querySelector("select").addEventListener("change", () => form.requestSubmit());
}

for (const button of document.querySelectorAll("[data-print]")) {
  button.addEventListener("click", () => window.print());
}
