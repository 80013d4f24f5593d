// Shows where on the scanner's screen the box takes its picture from, and lets a
// person set it. Pixels that are masked never come here.

import './looks.js';
import { t } from './speech.js';

const $ = (id) => document.getElementById(id);
const sides = ['left', 'top', 'right', 'bottom'].map($);

let size = [0, 0];          // of the scanner's picture, in pixels
let bounds = [0, 0, 0, 0];  // of what is kept now
let drawn = null;           // what the person has drawn or typed, not yet kept
let from = null;            // where the pointer went down, in pixels
const picture = new Image();
picture.alt = t('What is kept of the picture');

async function refresh() {
  let place;
  try {
    const answer = await fetch('/api/region');
    if (!answer.ok) throw new Error(await answer.text());
    place = await answer.json();
  } catch {
    $('how').textContent = t('No word from the box');
    clear();
    return;
  }
  size = place.size;
  bounds = place.bounds;
  const known = size[0] > 0;
  $('how').textContent = !known ? t('Waiting for a picture') : place.set ? t('Set by a person') : t('Found automatically');
  if (!known) {
    clear();
    return;
  }
  $('screen').hidden = false;
  $('keep').disabled = drawn === null;
  $('find').disabled = !place.set;
  fit();
  draw();
}

function clear() {
  $('screen').hidden = true;
  $('keep').disabled = $('find').disabled = true;
}

// The largest size that has the picture's shape and fits.
function fit() {
  const room = $('screen').parentElement;
  const style = getComputedStyle(room);
  const width = room.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight);
  const height = room.clientHeight - parseFloat(style.paddingTop) - parseFloat(style.paddingBottom);
  const scale = Math.min(width / size[0], height / size[1]);
  $('screen').style.width = `${size[0] * scale}px`;
  $('screen').style.height = `${size[1] * scale}px`;
}

function put(node, [left, top, right, bottom]) {
  node.style.left = `${(100 * left) / size[0]}%`;
  node.style.top = `${(100 * top) / size[1]}%`;
  node.style.width = `${(100 * (right - left)) / size[0]}%`;
  node.style.height = `${(100 * (bottom - top)) / size[1]}%`;
}

function draw() {
  put(picture, bounds);
  put($('box'), drawn ?? bounds);
  if (document.activeElement?.tagName !== 'INPUT') {
    sides.forEach((input, i) => { input.value = (drawn ?? bounds)[i]; });
  }
}

function choose(rectangle) {
  drawn = rectangle;
  $('keep').disabled = false;
  $('said').textContent = '';
  draw();
}

// Where an event lies, in pixels of the scanner's picture.
function at(event) {
  const r = $('screen').getBoundingClientRect();
  const part = (v, low, length, most) => Math.round(Math.max(0, Math.min(1, (v - low) / length)) * most);
  return [part(event.clientX, r.left, r.width, size[0]), part(event.clientY, r.top, r.height, size[1])];
}

$('screen').addEventListener('pointerdown', (event) => {
  $('screen').setPointerCapture(event.pointerId);
  document.activeElement?.blur();
  from = at(event);
});
$('screen').addEventListener('pointermove', (event) => {
  if (from === null) return;
  const to = at(event);
  choose([Math.min(from[0], to[0]), Math.min(from[1], to[1]), Math.max(from[0], to[0]), Math.max(from[1], to[1])]);
});
$('screen').addEventListener('pointerup', () => { from = null; });
for (const input of sides) input.addEventListener('input', () => choose(sides.map((s) => Math.round(Number(s.value)))));

async function send(rectangle, done) {
  let text;
  try {
    const answer = await fetch('/api/region', { method: 'POST', body: JSON.stringify({ bounds: rectangle }) });
    text = answer.ok ? done : await answer.text();
    if (answer.ok) drawn = null;
  } catch {
    text = t('The box does not answer: nothing has changed');
  }
  $('said').textContent = text;
  refresh();
}
$('keep').addEventListener('click', () => send(drawn, t('Kept, for this and the next starts of the box.')));
$('find').addEventListener('click', () => send([0, 0, 0, 0], t('The box finds it automatically again.')));

// The picture is fresh or it is not there.
let fresh = 0;
const events = new EventSource('/api/events');
events.onmessage = (e) => {
  const message = JSON.parse(e.data);
  if (!message.picture) return;
  fresh = performance.now();
  picture.src = `data:image/jpeg;base64,${message.picture}`;
  if (!picture.isConnected) $('screen').prepend(picture);
};
setInterval(() => {
  if (performance.now() - fresh > 2000) picture.remove();
}, 200);
setInterval(refresh, 1000);
addEventListener('resize', refresh);
refresh();
