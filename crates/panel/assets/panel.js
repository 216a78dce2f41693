// Keeps the table of zones live, plays a zone in the browser, and asks before what cannot be taken back.

const air = document.getElementById("air");
const lost = document.getElementById("lost");
const player = document.getElementById("player");
let listening = null;

if (air) {
  const source = new EventSource(air.dataset.live);
  source.addEventListener("air", (event) => {
    const focused = document.activeElement?.closest("[data-listen]")?.dataset.listen;
    air.innerHTML = event.data;
    showListening();
    if (focused) air.querySelector(`[data-listen="${focused}"]`)?.focus();
  });
  source.addEventListener("open", () => { lost.hidden = true; });
  source.addEventListener("error", () => { lost.hidden = false; });
}

function showListening() {
  for (const button of document.querySelectorAll("[data-listen]")) {
    button.setAttribute("aria-pressed", String(button.dataset.listen === listening));
  }
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-listen]");
  if (!button) return;
  listening = listening === button.dataset.listen ? null : button.dataset.listen;
  if (listening) {
    player.src = listening;
    player.play().catch(() => { listening = null; showListening(); });
  } else {
    player.removeAttribute("src");
    player.load();
  }
  showListening();
});

document.addEventListener("submit", (event) => {
  const question = event.target.dataset?.confirm;
  if (question && !window.confirm(question)) event.preventDefault();
});
