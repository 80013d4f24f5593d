// The exam: live picture and score, the zones of the chest as buttons, clips, the sum.

import { Freshness, SILENCE, STALE } from './freshness.js';
import { ofResult, ofState } from './words.js';

const $ = (id) => document.getElementById(id);
const freshness = new Freshness();
let newest = null; // message
let shown = null;  // message with the newest result
let exam = null;   // what the box said last, null when it says nothing

// The columns of the chest as it stands before the examiner, each from the top down.
const COLUMNS = {
  blue12: [['back', 'R5 R6'], ['side', 'R3 R4'], ['front', 'R1 R2'], ['front', 'L1 L2'], ['side', 'L3 L4'], ['back', 'L5 L6']],
  iclus14: [['back', '3 2 1'], ['side', '8 7'], ['front', '12 11'], ['front', '14 13'], ['side', '10 9'], ['back', '6 5 4']],
  volpicelli8: [['side', 'R3 R4'], ['front', 'R1 R2'], ['front', 'L1 L2'], ['side', 'L3 L4']],
  blue6: [['side and back', 'R-plaps'], ['front', 'R-upper R-lower'], ['front', 'L-upper L-lower'], ['side and back', 'L-plaps']],
};
const SCHEMES = {
  blue12: '12 zones (R1 to L6)', iclus14: '14 zones (ICLUS)', volpicelli8: '8 zones (Volpicelli)', blue6: '6 points (BLUE)',
};
const said = (score) => (score === null ? '–' : String(score));

function text(id, value) {
  if ($(id).textContent !== value) $(id).textContent = value;
}

// Live picture and score, only while they are fresh.
function live() {
  const now = performance.now();
  const heard = newest !== null && freshness.silence(now) <= SILENCE;
  const fresh = heard && newest.state === 'running' && shown !== null && freshness.age(shown, now) <= STALE;
  const part = document.querySelector('.live');
  if (!fresh) {
    shown = null;
    $('picture').replaceChildren();
    const [title, reason] = heard && newest.state !== 'running' ? ofState(newest.state, newest.detail) : ['No live data', 'Nothing fresh for 2 seconds'];
    part.dataset.mode = 'stale';
    text('empty', title);
    text('score', '–');
    text('title', reason);
    return;
  }
  const { result } = shown;
  const [title, reason] = ofResult(result);
  part.dataset.mode = result.score === null ? 'no-score' : 'score';
  text('empty', '');
  text('score', said(result.score));
  text('title', result.score === null ? `${title}: ${reason}` : reason);
}

async function take(message) {
  freshness.hear(message.at_ms, performance.now());
  newest = message;
  $('demo').hidden = !message.demo;
  text('demo-text', message.demo ?? '');
  if (message.result && message.picture) {
    const img = new Image();
    img.alt = 'Live ultrasound picture';
    img.src = `data:image/jpeg;base64,${message.picture}`;
    try {
      await img.decode();
    } catch {
      return;
    }
    if (newest !== message) return; // a newer one was faster
    shown = message;
    $('simulated').hidden = !message.result.simulated;
    $('picture').replaceChildren(img);
  }
  live();
}

function button(label, act, ...classes) {
  const b = document.createElement('button');
  b.type = 'button';
  b.textContent = label;
  b.className = classes.join(' ');
  b.addEventListener('click', act);
  return b;
}

function item(...children) {
  const li = document.createElement('li');
  li.append(...children);
  return li;
}

const day = (time) => new Date(time).toLocaleString('en-GB', { day: 'numeric', month: 'short', hour: '2-digit', minute: '2-digit' });
const short = (e) => `${e.total} in ${e.missing === 0 ? 'all zones' : `all but ${e.missing} zones`}`;

function draw() {
  const under = exam !== null && exam.id !== '';
  document.body.dataset.exam = exam === null ? 'unknown' : under ? 'on' : 'off';
  $('begin').hidden = exam === null || under;
  $('body').hidden = $('sum').hidden = $('actions').hidden = !under;
  if (exam === null) return;
  if (!under) {
    if ($('scheme').options.length === 0) {
      for (const s of exam.schemes) $('scheme').add(new Option(SCHEMES[s] ?? s, s));
    }
    $('open').hidden = exam.open.length === 0;
    $('open-list').replaceChildren(...exam.open.map((e) => item(button(
      `Go on with ${e.label || 'the one without a pseudonym'}, begun ${day(e.started)}: ${short(e)}`,
      () => post('begin', { resume: e.id }),
    ))));
    return;
  }
  drawMap();
  $('total').replaceChildren(`${exam.total}`);
  const of = document.createElement('small');
  of.textContent = exam.missing === 0 ? ` of ${exam.most}` : ` in ${exam.zones.length - exam.missing} of ${exam.zones.length} zones`;
  $('total').append(of);
  text('worst', said(exam.worst));
  text('missing', exam.missing === 0 ? 'none' : String(exam.missing));
  text('who', `${exam.label || 'No pseudonym'} · ${SCHEMES[exam.scheme]} · since ${day(exam.started)}`);
  $('trend').hidden = exam.trend.length === 0;
  $('trend-list').replaceChildren(...exam.trend.map((e) => item(`${day(e.started)}: ${short(e)}, worst ${said(e.worst)}${change(e)}`)));
  const here = exam.clips.filter((c) => c.zone === exam.zone);
  const count = exam.per_zone > 1 ? `${here.length} of ${exam.per_zone} clips of ${exam.zone}` : `Clips of ${exam.zone}`;
  text('zone-title', here.length === 0 ? `No clip of ${exam.zone} yet` : `${count}: touch one to judge it yourself`);
  $('clips').replaceChildren(...here.map((c) => item(button(clipText(c), () => judge(c)))));
  const r = exam.recording;
  $('record').dataset.on = r ? 'yes' : 'no';
  $('record').disabled = r !== null;
  text('record-text', r ? `Recording ${r.zone}: ${Math.ceil(r.left_ms / 1000)} s` : `Record 5 s of ${exam.zone}`);
  $('next').disabled = exam.next === '';
}

// Only whole exams are compared: a lower sum of fewer zones is no better lung.
function change(before) {
  if (before.missing > 0 || exam.missing > 0) return '';
  const d = exam.total - before.total;
  return d === 0 ? ', the same now' : d < 0 ? `, ${-d} less now: better aerated` : `, ${d} more now: worse aerated`;
}

function clipText(c) {
  const frames = `${c.scored} of ${c.frames} frames scored`;
  if (c.human?.discard) return `Clip ${c.number}: does not count (AI ${said(c.ai)}), ${c.human.reason}`;
  if (c.human) return `Clip ${c.number}: ${said(c.score)} by a person (AI ${said(c.ai)}), ${c.human.reason}`;
  return `Clip ${c.number}: ${said(c.score)}, ${frames}`;
}

// Buttons stay where they are while they are drawn anew: a finger may be on one.
function drawMap() {
  const columns = COLUMNS[exam.scheme];
  if ($('map').dataset.scheme !== exam.scheme) {
    $('map').dataset.scheme = exam.scheme;
    $('map').replaceChildren(...columns.map(([name, zones], i) => {
      const column = document.createElement('div');
      column.className = i === columns.length / 2 ? 'column middle' : 'column';
      const head = document.createElement('h3');
      head.textContent = name;
      const stack = document.createElement('div');
      for (const z of zones.split(' ')) {
        const b = button('', () => post('zone', { zone: z }));
        b.dataset.zone = z;
        const label = document.createElement('small');
        label.textContent = z;
        b.append(label, document.createElement('span'));
        stack.append(b);
      }
      column.append(head, stack);
      return column;
    }));
  }
  for (const b of $('map').querySelectorAll('button')) {
    const zone = exam.zones.find((z) => z.name === b.dataset.zone);
    const here = exam.zone === zone.name;
    const person = exam.clips.some((c) => c.zone === zone.name && c.human && !c.human.discard);
    b.classList.toggle('missing', zone.missing);
    b.classList.toggle('here', here);
    b.classList.toggle('person', person);
    b.dataset.score = zone.missing ? '' : String(zone.score);
    b.setAttribute('aria-pressed', String(here));
    b.setAttribute('aria-label', `Zone ${zone.name}: ${zone.missing ? 'missing' : `score ${zone.score}`}${person ? ', by a person' : ''}${here ? ', you are here' : ''}`);
    const mark = b.querySelector('span');
    const value = zone.missing ? (zone.clips > 0 ? 'no score' : '') : String(zone.score);
    if (mark.textContent !== value) mark.textContent = value;
  }
}

function judge(c) {
  text('judge-ai', said(c.ai));
  $('judge-picture').hidden = !c.picture;
  if (c.picture) $('judge-picture').src = `/api/exam/${exam.id}/${c.number}`;
  $('judge-form').reset();
  $('judge').dataset.clip = c.number;
  $('judge').showModal();
}

$('judge').addEventListener('close', () => {
  const own = $('judge-form').elements.own.value;
  if ($('judge').returnValue !== 'keep' || own === '') return;
  const discard = own === 'discard';
  post('override', { clip: Number($('judge').dataset.clip), score: discard ? null : Number(own), discard, reason: $('why').value });
});

function say(problem) {
  text('said', problem);
  $('said').hidden = problem === '';
}

async function post(path, body) {
  try {
    const answer = await fetch(`/api/exam/${path}`, { method: 'POST', body: JSON.stringify(body) });
    say(answer.ok ? '' : await answer.text());
  } catch {
    say('The box does not answer: nothing has changed');
  }
  refresh();
}

async function refresh() {
  try {
    const answer = await fetch('/api/exam');
    if (answer.status === 401) {
      location.replace('/login.html');
      return;
    }
    if (!answer.ok) throw new Error(await answer.text());
    exam = await answer.json();
  } catch {
    exam = null; // nothing old is shown
    $('map').dataset.scheme = '';
  }
  draw();
}

$('form').addEventListener('submit', (e) => {
  e.preventDefault();
  post('begin', { scheme: $('scheme').value, label: $('label').value });
  $('label').value = '';
});
$('record').addEventListener('click', () => post('record', {}));
$('next').addEventListener('click', () => post('zone', {}));
$('end').addEventListener('click', () => {
  const open = exam?.missing ?? 0;
  if (confirm(open > 0 ? `${open} zones are missing. End the exam?` : 'End the exam?')) post('end', {});
});
addEventListener('keydown', (e) => {
  if (document.body.dataset.exam !== 'on' || $('judge').open || e.ctrlKey || e.altKey || e.metaKey || e.repeat) return;
  if (e.key === ' ' && !$('record').disabled) {
    e.preventDefault();
    post('record', {});
  } else if (e.key === 'n' || e.key === 'N') {
    post('zone', {});
  }
});

const events = new EventSource('/api/events');
events.onopen = () => freshness.reset();
events.onmessage = (e) => take(JSON.parse(e.data));
for (const look of ['light', 'colours']) {
  try {
    document.documentElement.classList.toggle(look, localStorage.getItem(look) === 'on');
  } catch {
    // this browser keeps nothing
  }
}
setInterval(live, 200);
setInterval(refresh, 500);
live();
refresh();
