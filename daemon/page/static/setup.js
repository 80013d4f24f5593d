// The setup of a new box: what it sees, what to choose, which lamp is lit.

import { button, listen, text } from './live.js';
import { t } from './speech.js';

const $ = (id) => document.getElementById(id);
let state = null; // what there is to choose, null while the box says nothing
let seen = null;  // where lamps were seen so far, while they are tried

const LAMPS = ['0', '1', '2', '3', t('live')];

function done(step, yes) {
  $(`step-${step}`).classList.toggle('done', yes);
}

listen({
  heard(message) {
    $('region').hidden = !message.places;
  },
  looked(newest, shown) {
    text('source-now', newest?.source ?? '');
    done('picture', shown !== null);
    done('region', shown !== null && shown.result.score !== null);
  },
});

function say(problem) {
  text('said', problem);
  $('said').hidden = problem === '';
}

// Asks the box to do something; undefined when it does not.
async function post(path, body) {
  try {
    const answer = await fetch(`/api/setup/${path}`, { method: 'POST', body: JSON.stringify(body) });
    if (answer.status === 401) location.replace('/login.html');
    if (!answer.ok) {
      say(t((await answer.text()).trim()));
      return undefined;
    }
    say('');
    return answer.status === 204 ? true : await answer.json();
  } catch {
    say(t('The box does not answer: nothing has changed'));
    return undefined;
  }
}

function choice(label, act, pressed) {
  const b = button(label, act);
  b.setAttribute('aria-pressed', String(pressed));
  return b;
}

function draw() {
  if (state === null) return;
  const is = JSON.stringify([state.sources, state.source]);
  if ($('sources').dataset.is !== is) { // buttons stay where they are while a finger is on one
    $('sources').dataset.is = is;
    const others = state.sources.some((s) => s.value === state.source) ? [] : [{ value: state.source, title: state.source.replace(/^clip:.*\//, 'clip: ') }];
    $('sources').replaceChildren(...[...state.sources, ...others].map((s) => choice(s.title, async () => {
      if (await post('source', { from: s.value })) again();
    }, s.value === state.source)));
  }
  $('dicom').hidden = !state.source.startsWith('dicom:');
  text('dicom', t('At the scanner: AE title {title}, address {addresses}, port {port}', { title: state.title, addresses: state.addresses.join(' / ') || '–', port: state.port }));
  $('refused').hidden = state.refused === '';
  text('refused', state.refused);
  const panels = JSON.stringify([state.panels, state.panel]);
  if ($('panels').dataset.is !== panels) {
    $('panels').dataset.is = panels;
    const all = state.panels.some((p) => p.value === state.panel) ? state.panels : [...state.panels, { value: state.panel, title: state.panel }];
    $('panels').replaceChildren(...all.map((p) => new Option(t(p.title), p.value, p.value === state.panel, p.value === state.panel)));
    $('driver').value = state.panel;
  }
  $('try').disabled = state.panel === 'simulated' || seen !== null;
  if (state.enrolled !== '') text('enrolled', t('This box belongs to a centre: {name}', { name: state.enrolled }));
  done('centre', state.enrolled !== '');
  done('finish', state.done);
}

async function refresh() {
  try {
    const answer = await fetch('/api/setup');
    if (answer.status === 401) {
      location.replace('/login.html');
      return;
    }
    if (!answer.ok) throw new Error(await answer.text());
    state = await answer.json();
  } catch {
    state = null; // the box starts again
  }
  draw();
}

// The box starts again with another choice.
function again() {
  state = null;
  $('sources').dataset.is = $('panels').dataset.is = '';
  for (const b of $('sources').children) b.disabled = true;
}

$('panels').addEventListener('change', () => { $('driver').value = $('panels').value; });
$('use').addEventListener('click', async () => {
  text('lamps-said', '');
  if (await post('panel', { driver: $('driver').value })) again();
});

// One lamp after the other is lit, and each time somebody says which one.
async function ask() {
  draw();
  $('asking').hidden = false;
  text('asked', t('Which lamp is lit now? ({n} of {all})', { n: seen.length + 1, all: LAMPS.length }));
  await post('lamp', { lamp: seen.length });
}

async function answered(place) {
  seen.push(place);
  if (seen.length < LAMPS.length) {
    ask();
    return;
  }
  const all = seen;
  seen = null;
  $('asking').hidden = true;
  const answer = await post('order', { seen: all });
  done('lamps', answer?.changed === false);
  if (answer?.changed === false) text('lamps-said', t('Every lamp is in its place.'));
  if (answer?.changed === true) {
    text('lamps-said', t('The lamps were in another order. The box knows it now: light them again to see.'));
    again();
  }
  draw();
}

$('seen').replaceChildren(...LAMPS.map((name, i) => button(name, () => answered(i))), button(t('none'), () => answered(-1)));
$('try').addEventListener('click', () => {
  text('lamps-said', '');
  seen = [];
  ask();
});

$('join').addEventListener('submit', async (e) => {
  e.preventDefault();
  const joined = await post('enrol', { hub: $('hub').value, code: $('code').value });
  if (joined) {
    $('code').value = '';
    again();
  }
});

$('check').addEventListener('click', async () => {
  $('check').disabled = true;
  $('findings').replaceChildren();
  text('check-said', t('Checking; this takes up to a minute'));
  const all = await post('check', {});
  $('check').disabled = false;
  if (!all) {
    text('check-said', '');
    return;
  }
  const faults = all.filter((f) => f.state === 'fault').length;
  done('check', faults === 0);
  text('check-said', faults === 0 ? t('No fault found.') : t('Faults: {n}', { n: faults }));
  const rank = { fault: 0, note: 1, ok: 2 };
  $('findings').replaceChildren(...all.toSorted((a, b) => rank[a.state] - rank[b.state]).map((f) => {
    const li = document.createElement('li');
    li.dataset.state = f.state;
    const name = document.createElement('b');
    name.textContent = `${t(f.state)}: ${f.check} `;
    li.append(name, f.found);
    if (f.do) {
      const small = document.createElement('small');
      small.textContent = ` → ${f.do}`;
      li.append(small);
    }
    return li;
  }));
});

$('clip').addEventListener('click', async () => {
  $('clip').disabled = true;
  text('clip-said', t('Scoring; this takes some seconds'));
  const c = await post('clip', {});
  $('clip').disabled = false;
  text('clip-said', !c ? '' : t('A clip that its readers scored {known}: score {score} in {times} of {frames} frames, by release {release}', { ...c, score: c.score ?? '–' }));
});

$('finish').addEventListener('click', async () => {
  if (await post('finish', {})) location.assign('/');
});

setInterval(refresh, 1000);
refresh();
