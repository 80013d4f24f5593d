// The exam: live picture and score, the zones of the chest as buttons, clips, the sum.

import { button, listen, said, text } from './live.js';
import { code, day, t } from './speech.js';
import { heatLayer } from './view.js';

const $ = (id) => document.getElementById(id);
let exam = null; // what the box said last, null when it says nothing

const FRONT = t('front');
const SIDE = t('side');
const BACK = t('back');
const PLAPS = t('side and back');

// The columns of the chest as it stands before the examiner, each from the top down.
const COLUMNS = {
  blue12: [[BACK, 'R5 R6'], [SIDE, 'R3 R4'], [FRONT, 'R1 R2'], [FRONT, 'L1 L2'], [SIDE, 'L3 L4'], [BACK, 'L5 L6']],
  iclus14: [[BACK, '3 2 1'], [SIDE, '8 7'], [FRONT, '12 11'], [FRONT, '14 13'], [SIDE, '10 9'], [BACK, '6 5 4']],
  volpicelli8: [[SIDE, 'R3 R4'], [FRONT, 'R1 R2'], [FRONT, 'L1 L2'], [SIDE, 'L3 L4']],
  blue6: [[PLAPS, 'R-plaps'], [FRONT, 'R-upper R-lower'], [FRONT, 'L-upper L-lower'], [PLAPS, 'L-plaps']],
};
const SCHEMES = {
  blue12: t('12 zones (R1 to L6)'), iclus14: t('14 zones (ICLUS)'), volpicelli8: t('8 zones (Volpicelli)'), blue6: t('6 points (BLUE)'),
};

const live = listen({
  // Over the picture, when somebody asks, where its score comes from.
  layers(image, { heat }) {
    return heat && $('heat').getAttribute('aria-pressed') === 'true' ? [heatLayer(image, heat)] : [];
  },
});

function item(...children) {
  const li = document.createElement('li');
  li.append(...children);
  return li;
}

const short = (e) => (e.missing === 0 ? t('{total} in all zones', e) : t('{total}, zones missing: {missing}', e));

// An exam that has ended, with its report.
function reported(e) {
  const link = (format, title) => {
    const a = document.createElement('a');
    a.className = 'button';
    a.href = `/api/exam/${e.id}/report/${format}?language=${code}`;
    a.download = '';
    a.textContent = title;
    return a;
  };
  const what = document.createElement('span');
  what.textContent = `${e.label || t('No pseudonym')}, ${day(e.started)}: ${short(e)} `;
  return item(what, link('pdf', t('Report (PDF)')), ' ', link('csv', t('Table (CSV)')));
}

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
      t('Go on with {name}, begun {time}: {sum}', { name: e.label || t('no pseudonym'), time: day(e.started), sum: short(e) }),
      () => post('begin', { resume: e.id }),
    ))));
    $('ended').hidden = exam.ended.length === 0;
    const ended = JSON.stringify(exam.ended);
    if ($('ended-list').dataset.is !== ended) { // links stay where they are while they are touched
      $('ended-list').dataset.is = ended;
      $('ended-list').replaceChildren(...exam.ended.map(reported));
    }
    return;
  }
  drawMap();
  $('total').replaceChildren(`${exam.total}`);
  const of = document.createElement('small');
  of.textContent = ` ${exam.missing === 0 ? t('of {most}', exam) : t('in {some} of {all} zones', { some: exam.zones.length - exam.missing, all: exam.zones.length })}`;
  $('total').append(of);
  text('worst', said(exam.worst));
  text('missing', exam.missing === 0 ? t('none') : String(exam.missing));
  text('who', `${exam.label || t('No pseudonym')} · ${SCHEMES[exam.scheme]} · ${t('since {time}', { time: day(exam.started) })}`);
  $('trend').hidden = exam.trend.length === 0;
  $('trend-list').replaceChildren(...exam.trend.map((e) => item(`${day(e.started)}: ${short(e)}, ${t('worst {score}', { score: said(e.worst) })}${change(e)}`)));
  const here = exam.clips.filter((c) => c.zone === exam.zone);
  const of_zone = { zone: exam.zone, some: here.length, all: exam.per_zone };
  text('zone-title', here.length === 0 ? t('No clip of {zone} yet', of_zone)
    : exam.per_zone > 1 ? t('Clips of {zone}, {some} of {all}: touch one to judge it yourself', of_zone)
      : t('Clips of {zone}: touch one to judge it yourself', of_zone));
  $('clips').replaceChildren(...here.map((c) => item(button(clipText(c), () => judge(c)))));
  const r = exam.recording;
  $('record').dataset.on = r ? 'yes' : 'no';
  $('record').disabled = r !== null;
  text('record-text', r ? t('Recording {zone}: {s} s', { zone: r.zone, s: Math.ceil(r.left_ms / 1000) }) : t('Record 5 s of {zone}', { zone: exam.zone }));
  $('next').disabled = exam.next === '';
}

// Only whole exams are compared: a lower sum of fewer zones is no better lung.
function change(before) {
  if (before.missing > 0 || exam.missing > 0) return '';
  const d = exam.total - before.total;
  return `, ${d === 0 ? t('the same now') : d < 0 ? t('{n} less now: better aerated', { n: -d }) : t('{n} more now: worse aerated', { n: d })}`;
}

function clipText(c) {
  const all = { ...c, score: said(c.score), ai: said(c.ai), reason: c.human?.reason };
  if (c.human?.discard) return t('Clip {number}: does not count (AI {ai}), {reason}', all);
  if (c.human) return t('Clip {number}: {score} by a person (AI {ai}), {reason}', all);
  return t('Clip {number}: {score}, {scored} of {frames} frames scored', all);
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
    const say = [zone.missing ? t('Zone {name}: missing', zone) : t('Zone {name}: score {score}', zone)];
    if (person) say.push(t('by a person'));
    if (here) say.push(t('you are here'));
    b.setAttribute('aria-label', say.join(', '));
    b.dataset.by = person ? t('by a person') : '';
    const mark = b.querySelector('span');
    const value = zone.missing ? (zone.clips > 0 ? t('no score') : '') : String(zone.score);
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
    say(answer.ok ? '' : t((await answer.text()).trim()));
  } catch {
    say(t('The box does not answer: nothing has changed'));
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
$('heat').addEventListener('click', () => {
  $('heat').setAttribute('aria-pressed', String($('heat').getAttribute('aria-pressed') !== 'true'));
  live.draw();
});
$('next').addEventListener('click', () => post('zone', {}));
$('end').addEventListener('click', () => {
  const open = exam?.missing ?? 0;
  if (confirm(open > 0 ? t('Zones missing: {n}. End the exam?', { n: open }) : t('End the exam?'))) post('end', {});
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

setInterval(refresh, 500);
refresh();
