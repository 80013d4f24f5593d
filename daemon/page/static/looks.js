// How the page looks, kept in this browser: light, colours, and dimmed for the night. Dark and
// without colours unless chosen; dimmed when the box's panel is, unless chosen otherwise.

import { remember, remembered } from './speech.js';

const root = document.documentElement;

export function look(id, on) {
  root.classList.toggle(id, on);
  document.getElementById(id)?.setAttribute('aria-pressed', String(on));
}

for (const id of ['light', 'colours', 'night']) {
  look(id, remembered(id) === 'on');
  document.getElementById(id)?.addEventListener('click', () => {
    const on = !root.classList.contains(id);
    look(id, on);
    remember(id, on ? 'on' : 'off');
  });
}

// What the box says of the night counts for as long as nobody has chosen here.
export function follow(message) {
  if (remembered('night') === null && root.classList.contains('night') !== Boolean(message.night)) look('night', Boolean(message.night));
}
