// Takes the microphone's sound as 16-bit samples, in blocks of about a tenth of a second, each with its highest peak.

const BLOCK = 4800;

class Recorder extends AudioWorkletProcessor {
  #block = new Int16Array(BLOCK);
  #filled = 0;
  #peak = 0;
  #on = true;

  constructor() {
    super();
    this.port.onmessage = ({ data }) => {
      if (data === "end" && this.#filled > 0) this.#give();
      if (data === "end") this.port.postMessage({ ended: true });
      this.#on = data === "record";
    };
  }

  process([channels]) {
    const samples = channels[0] ?? [];
    for (const sample of samples) {
      this.#peak = Math.max(this.#peak, Math.abs(sample));
      this.#block[this.#filled] = Math.round(Math.max(-1, Math.min(1, sample)) * 32767);
      this.#filled += 1;
      if (this.#filled === BLOCK) this.#give();
    }
    return true;
  }

  // While it is paused only the level is told.
  #give() {
    const samples = this.#on ? this.#block.slice(0, this.#filled) : null;
    this.port.postMessage({ samples, peak: this.#peak }, samples ? [samples.buffer] : []);
    this.#filled = 0;
    this.#peak = 0;
  }
}

registerProcessor("recorder", Recorder);
