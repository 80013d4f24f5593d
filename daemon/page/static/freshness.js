// How old is what we know? The box and the browser have different clocks, and a slow
// network can keep a message for seconds, so the age of a picture is
//   what the box said it was, when it sent the message
//   + what the network took, beyond the fastest message so far
//   + what has passed here since.

// A score is not shown when its picture is older (ms); page.go has the same.
export const STALE = 2000;
// Nor is anything when the box has been silent for as long (ms). It speaks every second.
export const SILENCE = 2000;

// Clocks drift apart by less than this, in ms per ms. The memory of the fastest
// message fades at this rate, or a page that is open for days would see all as old.
const DRIFT = 0.0005;

export class Freshness {
  #fastest = Infinity; // smallest difference of the two clocks seen at a message, ms
  #heard = -Infinity;  // local time of the last message, ms

  // A new connection: the box may have a new clock.
  reset() {
    this.#fastest = Infinity;
  }

  // A message came at local time now; the box sent it at its own time at_ms.
  hear(at_ms, now) {
    if (this.#fastest !== Infinity) this.#fastest += DRIFT * (now - this.#heard);
    this.#fastest = Math.min(this.#fastest, now - at_ms);
    this.#heard = now;
  }

  // How long the box has been silent, in ms.
  silence(now) {
    return now - this.#heard;
  }

  // The age of the picture of a message, in ms.
  age(message, now) {
    return message.age_ms + (now - message.at_ms - this.#fastest);
  }
}
