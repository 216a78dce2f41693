// Sends files to the library one after another, and goes on where it was after whatever happens: a dropped connection,
// a restart of the station, a page that was closed and the same file chosen again (tus 1.0.0).

const CHUNK = 4 << 20;
const TOGETHER = 3;
const WAIT_MS = 1000;
const WAIT_MAX_MS = 20000;
const BUSY_MS = 2000;
const LOOK_MS = 1500;
const EDGE = 64 << 10;
const TUS = { "Tus-Resumable": "1.0.0" };

/** Not taken, for a reason that trying again does not change. */
class Refused extends Error {}
/** Nobody is logged in any more. */
class LoggedOut extends Error {}
/** The station has its hands full. */
class Busy extends Error {}
/** What the station has is not what we thought: ask. */
class Moved extends Error {}

/**
 * A queue of files on their way in; dispatches "change" and, for each piece that arrived or was refused, "ended", and for
 * each that was taken out, "removed".
 */
export class Uploads extends EventTarget {
  #all = [];
  #paused = false;
  #sending = 0;
  #looking = false;
  #trouble = null;
  #wake = new Set();

  /** `words` are texts by name; `limits` holds `bytesMax`. */
  constructor(words, limits) {
    super();
    this.words = words;
    this.limits = limits;
    addEventListener("online", () => this.#hurry());
  }

  get all() { return this.#all; }
  get paused() { return this.#paused; }
  /** What stands in the way of all of them, in words; null if nothing does. */
  get trouble() { return this.#trouble; }
  /** Whether closing the page would stop something. */
  get busy() { return this.#all.some((one) => one.file && ["queued", "sending"].includes(one.state)); }

  /** Queues files. `into` says where they belong: `zone`, `series`, `music`. Returns what stands for each. */
  add(files, into) {
    const added = [...files].map((file) => {
      const one = { file, into, name: file.name, bytes: file.size, sent: 0, share: 0, state: "queued", say: "" };
      if (file.size === 0) this.#refuse(one, this.words.empty);
      else if (file.size > this.limits.bytesMax) this.#refuse(one, this.words.tooLarge);
      return one;
    });
    this.#all.push(...added);
    this.#next();
    return added;
  }

  pause() {
    this.#paused = true;
    for (const one of this.#all) one.abort?.abort();
    this.#changed();
  }

  resume() {
    this.#paused = false;
    this.#hurry();
    this.#next();
  }

  /** Tries one again that was refused. */
  retry(one) {
    Object.assign(one, { state: "queued", say: "", place: null, sent: 0 });
    this.#next();
  }

  /** Takes one out, here and at the station. */
  async remove(one) {
    one.removed = true;
    one.abort?.abort();
    this.#all = this.#all.filter((other) => other !== one);
    this.dispatchEvent(new CustomEvent("removed", { detail: one }));
    this.#changed();
    if (one.place) await fetch(one.place, { method: "DELETE", headers: TUS }).catch(() => null);
  }

  /** Finds what the station still knows of: what was not finished, what is being prepared, what was refused. */
  async recall() {
    for (const told of (await this.#told()) ?? []) {
      if (told.state === "done" || this.#all.some((one) => one.place === place(told.id))) continue;
      const one = { name: told.name, bytes: told.bytes, key: told.key, place: place(told.id), share: 0, say: "" };
      this.#all.push(Object.assign(one, { sent: told.received, state: "unfinished" }));
      if (told.state !== "receiving") this.#hear(one, told);
    }
    this.#changed();
    this.#look();
  }

  #next() {
    this.#changed();
    while (!this.#paused && this.#sending < TOGETHER) {
      const one = this.#all.find((one) => one.state === "queued" && !one.taken);
      if (!one) return;
      one.taken = true;
      this.#sending += 1;
      this.#send(one).finally(() => {
        one.taken = false;
        this.#sending -= 1;
        this.#next();
        this.#look();
      });
    }
  }

  async #send(one) {
    let wait = WAIT_MS;
    while (!this.#paused && !one.removed) {
      const before = one.sent;
      one.abort = new AbortController();
      one.state = "sending";
      try {
        await this.#go(one);
        this.#trouble = null;
        one.state = "waiting";
        return;
      } catch (error) {
        if (one.removed || one.state === "refused") return;
        if (error instanceof Refused) {
          this.#refuse(one, error.message);
          return;
        }
        one.state = "queued";
        if (this.#paused) return;
        if (one.sent > before) wait = WAIT_MS;
        if (error instanceof Moved) continue;
        if (error instanceof LoggedOut) this.#trouble = this.words.logIn;
        else if (!(error instanceof Busy)) this.#trouble = this.words.lost;
        this.#changed();
        await this.#sleep(error instanceof Busy ? BUSY_MS : wait);
        wait = Math.min(2 * wait, WAIT_MAX_MS);
      }
    }
    if (!one.removed) one.state = "queued";
  }

  async #go(one) {
    one.key ??= await identity(one.file).catch(() => { throw new Refused(this.words.unreadable); });
    const same = this.#all.find((other) => other !== one && other.key === one.key && !other.removed);
    if (same?.file && !["done", "refused"].includes(same.state)) throw new Refused(this.words.twice);
    // What was not finished before goes on as this one.
    if (same && !same.file) this.#all = this.#all.filter((other) => other !== same);
    if (one.place) await this.#ask(one);
    if (!one.place) await this.#create(one);
    while (one.sent < one.bytes) await this.#patch(one);
  }

  async #create(one) {
    const { zone, series, music } = one.into;
    const said = { filename: one.name, key: one.key, zone, series, music: music ? "1" : "" };
    const metadata = Object.entries(said).filter(([, value]) => value).map(([name, value]) => `${name} ${base64(value)}`);
    const headers = { ...TUS, "Upload-Length": one.bytes, "Upload-Metadata": metadata.join(",") };
    const answer = await fetch("/uploads", { method: "POST", headers, signal: one.abort.signal });
    if (answer.status !== 201) throw await failure(answer.status, () => answer.text());
    this.#there(one, answer.headers);
    one.place = new URL(answer.headers.get("Location"), location.href).pathname;
  }

  async #ask(one) {
    const answer = await fetch(one.place, { method: "HEAD", headers: TUS, signal: one.abort.signal });
    if (answer.status === 404) Object.assign(one, { place: null, sent: 0 });
    else if (!answer.ok) throw await failure(answer.status, () => "");
    else this.#there(one, answer.headers);
  }

  #there(one, headers) {
    const there = headers.get("Upload-Offset");
    if (there !== null) one.sent = Number(there);
    this.#trouble = null;
    this.#changed();
  }

  // A request of its own for each part: its progress can be seen, and a proxy that keeps bodies back keeps little.
  #patch(one) {
    const { sent: from, abort: { signal } } = one;
    return new Promise((resolve, reject) => {
      const request = new XMLHttpRequest();
      request.open("PATCH", one.place);
      for (const [name, value] of Object.entries(TUS)) request.setRequestHeader(name, value);
      request.setRequestHeader("Upload-Offset", from);
      request.setRequestHeader("Content-Type", "application/offset+octet-stream");
      request.upload.addEventListener("progress", (event) => {
        one.sent = from + event.loaded;
        this.#changed();
      });
      const lost = () => {
        one.sent = from;
        reject(new Error("the connection was lost"));
      };
      for (const event of ["error", "abort", "timeout"]) request.addEventListener(event, lost);
      request.addEventListener("load", async () => {
        one.sent = from;
        if (request.status !== 204) return reject(await failure(request.status, () => request.responseText));
        const there = Number(request.getResponseHeader("Upload-Offset"));
        one.sent = there;
        this.#trouble = null;
        this.#changed();
        // The station took no byte of it, though it says that all is well.
        if (there === from) return reject(new Error("no byte was taken"));
        resolve();
      });
      signal.addEventListener("abort", () => request.abort(), { once: true });
      request.send(one.file.slice(from, from + CHUNK));
    });
  }

  // Looks now and then what becomes of those that are whole.
  async #look() {
    if (this.#looking) return;
    this.#looking = true;
    while (this.#all.some((one) => ["waiting", "importing"].includes(one.state))) {
      const told = await this.#told();
      if (told) {
        const known = new Map(told.map((one) => [place(one.id), one]));
        for (const one of this.#all.filter((one) => ["waiting", "importing"].includes(one.state))) {
          const found = known.get(one.place);
          if (found) this.#hear(one, found);
          // Taken away by somebody, or long ago.
          else if (one.file) Object.assign(one, { state: "queued", place: null, sent: 0 });
          else this.#all = this.#all.filter((other) => other !== one);
        }
        this.#next();
      }
      await new Promise((resolve) => { setTimeout(resolve, LOOK_MS); });
    }
    this.#looking = false;
  }

  #hear(one, told) {
    if (told.state === "receiving") {
      // The station lacks the end of what was sent.
      if (one.file && one.state === "waiting") one.state = "queued";
      return;
    }
    const ended = one.state !== told.state && ["done", "refused"].includes(told.state);
    one.state = told.state;
    one.share = told.share;
    one.title = told.title;
    one.hash = told.hash;
    one.say = told.say ?? (told.already ? this.words.already : "");
    if (ended) this.dispatchEvent(new CustomEvent("ended", { detail: one }));
  }

  async #told() {
    const answer = await fetch(`/uploads?lang=${document.documentElement.lang}`).catch(() => null);
    if (answer?.status === 401) this.#trouble = this.words.logIn;
    return answer?.ok ? answer.json() : null;
  }

  #refuse(one, say) {
    Object.assign(one, { state: "refused", say });
    this.#changed();
    this.dispatchEvent(new CustomEvent("ended", { detail: one }));
  }

  #sleep(ms) {
    return new Promise((resolve) => {
      const done = () => {
        clearTimeout(timer);
        this.#wake.delete(done);
        resolve();
      };
      const timer = setTimeout(done, ms);
      this.#wake.add(done);
    });
  }

  #hurry() {
    for (const done of [...this.#wake]) done();
  }

  #changed() {
    this.dispatchEvent(new Event("change"));
  }
}

function place(id) {
  return `/uploads/${id}`;
}

async function failure(status, text) {
  if (status === 401) return new LoggedOut();
  if (status === 404 || status === 409) return new Moved();
  if (status === 429 || status === 423) return new Busy();
  if (status >= 400 && status < 500 || status === 507) {
    const body = await text();
    try {
      return new Refused(JSON.parse(body).say ?? body);
    } catch {
      return new Refused(body || `HTTP ${status}`);
    }
  }
  return new Error(`HTTP ${status}`);
}

// What tells a file from others: its name, size and time, and both its ends.
async function identity(file) {
  const known = `${file.size} ${file.lastModified} ${file.webkitRelativePath || file.name}`;
  // A page without TLS from another machine may not hash.
  if (!crypto.subtle) return known.slice(0, 100);
  const name = new TextEncoder().encode(`${known}\n`);
  const ends = [file.slice(0, EDGE), file.slice(Math.max(0, file.size - EDGE))];
  const hash = await crypto.subtle.digest("SHA-256", await new Blob([name, ...ends]).arrayBuffer());
  return [...new Uint8Array(hash)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

function base64(text) {
  return btoa(String.fromCharCode(...new TextEncoder().encode(text)));
}
