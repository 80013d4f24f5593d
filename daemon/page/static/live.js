// Live picture and score in the section .live of a page that shows more than them: only while they
// are fresh.

import { Freshness, SILENCE, STALE } from './freshness.js';
import { follow } from './looks.js';
import { t } from './speech.js';
import { ofResult, ofState } from './words.js';

const $ = (id) => document.getElementById(id);

export function text(id, value) {
  if ($(id).textContent !== value) $(id).textContent = value;
}

export const said = (score) => (score === null ? '–' : String(score));

export function button(label, act, ...classes) {
  const b = document.createElement('button');
  b.type = 'button';
  b.textContent = label;
  b.className = classes.join(' ');
  b.addEventListener('click', act);
  return b;
}

// Begins to listen. heard is told of every message; layers gives what lies over a picture; looked is
// told, some times a second, of the newest message and of the one that is shown, null for none.
// What it returns draws the picture anew.
export function listen({ heard = () => {}, layers = () => [], looked = () => {} }) {
  const freshness = new Freshness();
  let newest = null; // message
  let shown = null;  // message with the newest result
  let image = null;  // its picture, decoded

  function look() {
    const now = performance.now();
    const alive = newest !== null && freshness.silence(now) <= SILENCE;
    const fresh = alive && newest.state === 'running' && shown !== null && freshness.age(shown, now) <= STALE;
    const part = document.querySelector('.live');
    if (fresh) {
      const { result } = shown;
      const [title, reason] = ofResult(result);
      part.dataset.mode = result.score === null ? 'no-score' : 'score';
      text('empty', '');
      text('score', said(result.score));
      text('title', result.score === null ? `${title}: ${reason}` : reason);
    } else {
      shown = image = null;
      $('picture').replaceChildren();
      const [title, reason] = alive && newest.state !== 'running' ? ofState(newest.state, newest.detail) : [t('No live data'), t('Nothing fresh for 2 seconds')];
      part.dataset.mode = 'stale';
      text('empty', title);
      text('score', '–');
      text('title', reason);
    }
    looked(alive ? newest : null, shown);
  }

  const draw = () => {
    if (image !== null) $('picture').replaceChildren(image, ...layers(image, shown));
  };

  async function take(message) {
    freshness.hear(message.at_ms, performance.now());
    newest = message;
    follow(message);
    $('demo').hidden = !message.demo;
    text('demo-text', t(message.demo ?? ''));
    if (message.result) $('simulated').hidden = !message.result.simulated;
    heard(message);
    if (message.result && message.picture) {
      const img = new Image();
      img.alt = t('Live ultrasound picture');
      img.src = `data:image/jpeg;base64,${message.picture}`;
      try {
        await img.decode();
      } catch {
        return;
      }
      if (newest !== message) return; // a newer one was faster
      shown = message;
      image = img;
      draw();
    }
    look();
  }

  const events = new EventSource('/api/events');
  events.onopen = () => freshness.reset();
  events.onmessage = (e) => take(JSON.parse(e.data));
  setInterval(look, 200);
  look();
  return { draw };
}
