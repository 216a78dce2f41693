// Cuts what the microphone gives into pieces of 20 ms, on the thread of the sound card.

const FRAME = 960;

class Voice extends AudioWorkletProcessor {
  constructor() {
    super();
    this.frame = new Float32Array(FRAME);
    this.filled = 0;
    this.muted = false;
    this.port.onmessage = ({ data }) => { this.muted = data.muted; };
  }

  process([input]) {
    const samples = input[0];
    if (!samples) return true;
    for (let from = 0; from < samples.length;) {
      const count = Math.min(samples.length - from, FRAME - this.filled);
      this.frame.set(samples.subarray(from, from + count), this.filled);
      this.filled += count;
      from += count;
      if (this.filled === FRAME) {
        if (this.muted) this.frame.fill(0);
        this.port.postMessage(this.frame, [this.frame.buffer]);
        this.frame = new Float32Array(FRAME);
        this.filled = 0;
      }
    }
    return true;
  }
}

registerProcessor("voice", Voice);
