// Listens to the box and shows what it says, for as long as that is fresh.

import { Freshness, SILENCE, STALE } from './freshness.js';
import { follow } from './looks.js';
import { t } from './speech.js';
import { ofResult, ofState } from './words.js';
import { showAbout, showCounters, showDelay, showHead, showLamps, showPicture, showVotes } from './view.js';

const freshness = new Freshness();
let newest = null;     // the newest message, once its picture is decoded
let shown = null;      // the newest of those with a result, while it is fresh
let image = null;      // its picture
let simulated = false; // whether the last result was of a simulated picture
let count = 0;         // messages that have come
let done = 0;          // number of newest
let connected = false; // as far as the browser knows
let trouble = t('Connecting to the box'); // what to say while it is not connected

function draw() {
  const now = performance.now();
  if (newest === null || freshness.silence(now) > SILENCE) {
    forget();
    blank('stale', t('No live data'), why(now), null);
    showCounters(null);
    return;
  }
  showCounters(newest);
  if (newest.state !== 'running') {
    forget();
    blank('off', ...ofState(newest.state, newest.detail), newest.panel);
    return;
  }
  const age = shown ? freshness.age(shown, now) : Infinity;
  if (age > STALE) {
    forget();
    blank('stale', t('No live data'), why(now), newest.panel);
    return;
  }
  const result = shown.result;
  showHead(result.score === null ? 'no-score' : 'score', result.score, ...ofResult(result));
  showPicture(image, result, shown);
  showVotes(newest.nets, result);
  showLamps(newest.panel);
}

// Why there is no live data.
function why(now) {
  if (!connected) return trouble;
  // It speaks every second: this is the beginning of a silence.
  if (freshness.silence(now) > 1500) return t('No word from the box for 2 seconds');
  return t('No fresh score for 2 seconds');
}

// Everything that a score or a picture could be read from goes. Of the lamps only a
// lamp test is drawn: the panel may be a moment later than this page.
function blank(mode, title, reason, panel) {
  showHead(mode, null, title, reason);
  showPicture(null, null, null);
  showVotes(newest ? newest.nets : ['googlenet', 'resnet50', 'vgg19'], null);
  showLamps(panel?.state === 'lamp-test' || panel?.lamps.live === false ? panel : dark);
}

// What is drawn of a panel that is not known.
const dark = { lamps: { score: [false, false, false, false], live: false }, state: 'stale', score: null, error: '' };

function forget() {
  shown = image = null;
  showDelay(null);
}

async function take(message) {
  const number = ++count;
  freshness.hear(message.at_ms, performance.now());
  // Score and picture change together, so a score waits until its picture is decoded.
  const picture = message.result ? await decoded(message) : undefined;
  if (number < done) return; // a newer message was faster
  done = number;
  newest = message;
  if (picture !== undefined) {
    shown = message;
    image = picture;
    simulated = message.result.simulated;
  }
  follow(message);
  showAbout(message, simulated);
  draw();
  if (picture !== undefined) requestAnimationFrame(() => showDelay(shown ? freshness.age(shown, performance.now()) : null));
}

// The picture of a message: an element, null when it has none, undefined when it is
// broken, and then its score is not shown either.
async function decoded(message) {
  if (!message.picture) return null;
  const img = new Image();
  img.alt = t('Ultrasound picture that the score belongs to');
  img.src = `data:image/jpeg;base64,${message.picture}`;
  try {
    await img.decode();
    return img;
  } catch {
    return undefined;
  }
}

function listen() {
  const events = new EventSource('/api/events');
  events.onopen = () => {
    connected = true;
    freshness.reset();
  };
  events.onmessage = (e) => take(JSON.parse(e.data));
  events.onerror = async () => {
    connected = false;
    trouble = t('The connection to the box is lost');
    if (events.readyState !== EventSource.CLOSED) return; // it tries again by itself
    try {
      const answer = await fetch('/api/events', { method: 'HEAD' });
      if (answer.status === 401) location.replace('/login.html');
      if (answer.status === 503) trouble = t('Too many browsers are watching this box: close one of them');
    } catch {
      // no answer at all: the connection is lost
    }
    setTimeout(listen, 3000);
  };
}

// What is drawn over the picture; off whenever the page is opened: first the picture itself.
for (const id of ['lines', 'heat']) {
  const button = document.getElementById(id);
  button.addEventListener('click', () => {
    button.setAttribute('aria-pressed', String(button.getAttribute('aria-pressed') !== 'true'));
    draw();
  });
}
draw();
listen();
setInterval(draw, 200);
document.addEventListener('visibilitychange', draw);
