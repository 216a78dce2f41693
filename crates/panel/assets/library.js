// The library page: shows the files on their way in, and plays a piece.
import { record } from "./recorder.js";
import { Uploads } from "./upload.js";

const ROWS = 60;
const panel = document.getElementById("upload");
if (panel) showUploads();
playPieces();

function showUploads() {
  const find = (name) => panel.querySelector(`[data-${name}]`);
  const words = Object.fromEntries(
    Object.entries(panel.dataset).filter(([name]) => name.startsWith("say"))
      .map(([name, text]) => [name[3].toLowerCase() + name.slice(4), text]),
  );
  const uploads = new Uploads(words, { bytesMax: Number(panel.dataset.bytesMax) });
  const rows = new Map();
  let drawing = false;
  panel.uploads = uploads;

  const into = () => ({ zone: find("zone").value, series: find("series").value.trim(), music: find("music").checked });
  const add = (files) => uploads.add(files, into());
  record(document.getElementById("recorder"), uploads, () => ({ ...into(), music: false }));
  find("files").addEventListener("change", (event) => {
    add(event.target.files);
    event.target.value = "";
  });
  const drop = find("drop");
  for (const event of ["dragenter", "dragover"]) drop.addEventListener(event, (dragged) => {
    dragged.preventDefault();
    drop.classList.add("over");
  });
  for (const event of ["dragleave", "drop"]) drop.addEventListener(event, () => drop.classList.remove("over"));
  drop.addEventListener("drop", (event) => {
    event.preventDefault();
    add(event.dataTransfer.files);
  });
  find("pause").addEventListener("click", () => {
    if (uploads.paused) uploads.resume();
    else uploads.pause();
  });
  uploads.addEventListener("change", () => {
    if (drawing) return;
    drawing = true;
    // A page in the background draws nothing, and sends all the same.
    setTimeout(() => {
      drawing = false;
      draw();
    }, 200);
  });
  addEventListener("beforeunload", (event) => {
    if (uploads.busy) event.preventDefault();
  });
  uploads.recall();

  function draw() {
    const { all } = uploads;
    find("progress").hidden = all.length === 0;
    const count = (...states) => all.filter((one) => states.includes(one.state)).length;
    const [done, refused] = [count("done"), count("refused")];
    const bytes = all.reduce((sum, one) => sum + one.bytes, 0);
    const sent = all.reduce((sum, one) => sum + (["done", "refused"].includes(one.state) ? one.bytes : one.sent), 0);
    find("whole").value = bytes > 0 ? sent / bytes : 0;
    const values = { done, refused, all: all.length, sent: megabytes(sent), bytes: megabytes(bytes) };
    say(find("summary"), fill(done + refused === all.length ? words.allDone : words.summary, values));
    const trouble = uploads.trouble ?? "";
    say(find("trouble"), trouble);
    find("trouble").hidden = !trouble;
    say(find("pause"), uploads.paused ? words.resume : words.pause);
    find("pause").disabled = !uploads.busy && !uploads.paused;

    const shown = ["sending", "refused", "importing", "unfinished", "waiting", "queued", "done"]
      .flatMap((state) => all.filter((one) => one.state === state)).slice(0, ROWS);
    const more = all.length - shown.length;
    say(find("more"), fill(words.more, { more }));
    find("more").hidden = more === 0;
    for (const [one, row] of rows) if (!shown.includes(one)) {
      row.remove();
      rows.delete(one);
    }
    shown.forEach((one, place) => {
      const row = rows.get(one) ?? made(one);
      const list = find("list");
      if (list.children[place] !== row) list.insertBefore(row, list.children[place] ?? null);
      update(row, one);
    });
  }

  function made(one) {
    const row = document.createElement("li");
    row.innerHTML = "<p class='title'></p><p class='more'></p><progress max='1' value='0'></progress>"
      + "<p class='acts'><button type='button' class='quiet'></button><button type='button' class='quiet'></button></p>";
    const [again, remove] = row.querySelectorAll("button");
    again.textContent = words.retry;
    again.addEventListener("click", () => uploads.retry(one));
    remove.textContent = words.remove;
    remove.setAttribute("aria-label", `${words.remove}: ${one.name}`);
    remove.addEventListener("click", () => { if (!one.ask || confirm(one.ask)) uploads.remove(one); });
    rows.set(one, row);
    return row;
  }

  function update(row, one) {
    row.className = one.state;
    const [name, state] = row.querySelectorAll("p");
    if (one.state === "done" && !name.firstElementChild) {
      const link = document.createElement("a");
      link.href = `/library/${one.hash}`;
      link.textContent = one.title;
      name.replaceChildren(link);
    } else if (one.state !== "done") say(name, one.name);
    const share = { sending: one.sent / one.bytes, unfinished: one.sent / one.bytes, importing: one.share, queued: one.sent / one.bytes }[one.state];
    const bar = row.querySelector("progress");
    bar.hidden = share === undefined || (one.state === "queued" && one.sent === 0);
    bar.value = share ?? 0;
    bar.setAttribute("aria-label", one.name);
    const percent = Math.floor((share ?? 0) * 100);
    say(state, one.state === "refused" ? one.say
      : one.state === "done" && one.say ? one.say : fill(words[one.state], { percent, size: megabytes(one.bytes) }));
    const [again, remove] = row.querySelectorAll("button");
    again.hidden = one.state !== "refused" || !one.file || !one.place && (one.bytes === 0 || one.bytes > uploads.limits.bytesMax);
    remove.hidden = ["done", "importing"].includes(one.state);
  }
}

function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

function fill(text, values) {
  return text.replace(/%(\w+)%/g, (_, name) => values[name] ?? "");
}

function megabytes(bytes) {
  const digits = bytes < 10e6 ? 1 : 0;
  return (bytes / 1e6).toLocaleString(document.documentElement.lang, { maximumFractionDigits: digits, minimumFractionDigits: digits });
}

function playPieces() {
  const sound = document.getElementById("sound");
  if (!sound) return;
  const failed = document.querySelector("[data-play-failed]");
  let playing = null;
  const show = () => {
    for (const button of document.querySelectorAll("[data-play]")) {
      button.setAttribute("aria-pressed", String(button.dataset.play === playing));
    }
  };
  const stop = () => {
    playing = null;
    sound.pause();
    show();
  };
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-play]");
    if (!button) return;
    failed.hidden = true;
    if (button.dataset.play === playing) return stop();
    playing = button.dataset.play;
    sound.src = playing;
    sound.play().catch(() => {});
    show();
  });
  sound.addEventListener("ended", stop);
  sound.addEventListener("error", () => {
    if (playing) failed.hidden = false;
    stop();
  });
}
