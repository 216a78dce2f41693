// Keeps parts of pages live, plays a zone in the browser, and asks before what cannot be taken back.

const RETRY_MS = 5000;
const player = document.getElementById("player");
let listening = null;

for (const part of document.querySelectorAll("[data-live]")) follow(part);

function follow(part) {
  const lost = document.querySelector("[data-lost]");
  const source = new EventSource(part.dataset.live);
  source.addEventListener("part", (event) => renew(part, event.data));
  source.addEventListener("open", () => { lost.hidden = true; });
  source.addEventListener("error", async () => {
    lost.hidden = false;
    // A browser tries again by itself, unless the answer was a refusal.
    if (source.readyState !== EventSource.CLOSED) return;
    const answer = await fetch("/api/v1/snapshot").catch(() => null);
    if (answer?.status === 401) location.assign("/login");
    else setTimeout(follow, RETRY_MS, part);
  });
}

function renew(part, html) {
  const focused = part.contains(document.activeElement) ? name(document.activeElement) : null;
  part.innerHTML = html;
  showListening();
  showProgress();
  if (focused) [...part.querySelectorAll("button")].find((button) => name(button) === focused)?.focus();
}

// What a button does tells it from the others, before and after a renewal.
function name(button) {
  return button.dataset.listen ?? button.form?.action;
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

function listen(to) {
  listening = to;
  document.querySelector("[data-listen-failed]").hidden = true;
  if (to) {
    // Begun anew each time: a stream that was paused would go on in the past.
    player.src = `${to}?from=${Date.now()}`;
    player.play().catch(failed);
  } else {
    player.removeAttribute("src");
    player.load();
  }
  showListening();
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
