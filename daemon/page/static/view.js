// Puts what is known into the page. Every function here sets everything that it is
// about, so nothing old can be left over.

import { clock, t } from './speech.js';
import { netName, noVote, ofPanel, ofSigns } from './words.js';

const $ = (id) => document.getElementById(id);

function text(id, value) {
  const node = $(id);
  if (node.textContent !== value) node.textContent = value;
}

// Text that may be cut off where there is little room.
function long(id, value) {
  text(id, value);
  $(id).title = value;
}

// mode: 'score', 'no-score' (live, but without one), 'off' (nothing to judge) or 'stale'.
export function showHead(mode, score, title, reason) {
  document.body.dataset.mode = mode;
  document.body.dataset.score = score === null ? '' : String(score);
  text('score', score === null ? '–' : String(score));
  text('title', title);
  long('reason', reason);
  text('empty', title);
}

// The picture element of a message that has been decoded, or null for none, and over it
// what people ask for: the map of where its score comes from, and lines.
export function showPicture(image, result, message) {
  const heat = message?.heat;
  const signs = message?.signs;
  const wants = (id) => Boolean(image) && $(id).getAttribute('aria-pressed') === 'true';
  const layers = image ? [image] : [];
  if (wants('heat') && heat) layers.push(heatLayer(image, heat));
  if (wants('lines') && signs) layers.push(linesLayer(image, signs));
  $('picture').replaceChildren(...layers);
  $('heat-note').hidden = !wants('heat');
  text('heat-note', heat ? t('Heat map: what speaks for score {score}', { score: result.score }) : t('No heat map for this frame'));
  $('lines-note').hidden = !wants('lines');
  text('lines-note', signs ? ofSigns(signs) : t('No lines looked for in this frame'));
  long('file', result ? result.file.split(/[\\/]/).pop() : '');
  text('frame', result ? t('frame {n}', { n: result.frame }) : '');
  text('taken', result ? clock(result.time) : '');
}

// The map as a layer of one colour, as large as the picture: its levels are opacities.
export function heatLayer(image, heat) {
  const levels = Uint8Array.from(atob(heat.levels), (c) => c.charCodeAt(0));
  const grid = new ImageData(heat.w, heat.h);
  levels.forEach((level, i) => grid.data.set([255, 120, 20, level], 4 * i));
  const small = new OffscreenCanvas(heat.w, heat.h);
  small.getContext('2d').putImageData(grid, 0, 0);
  const layer = document.createElement('canvas');
  layer.className = 'heat';
  layer.width = image.naturalWidth;
  layer.height = image.naturalHeight;
  const to = layer.getContext('2d');
  to.imageSmoothingQuality = 'high';
  to.drawImage(small, 0, 0, layer.width, layer.height);
  return layer;
}

// Lines found by image analysis: the pleural line solid, its repetitions dashed, B-lines
// dotted, so that no colour is needed to tell them apart.
function linesLayer(image, signs) {
  const layer = document.createElement('canvas');
  layer.className = 'lines';
  layer.width = image.naturalWidth;
  layer.height = image.naturalHeight;
  const to = layer.getContext('2d');
  to.lineWidth = Math.max(1.5, layer.width / 260);
  const path = (points, colour, dash) => {
    to.strokeStyle = colour;
    to.setLineDash(dash.map((d) => d * to.lineWidth));
    to.beginPath();
    points.forEach((p, i) => {
      const gap = i === 0 || Math.abs(p.x - points[i - 1].x) > 0.03; // a rib hides what is between
      to[gap ? 'moveTo' : 'lineTo'](p.x * layer.width, p.y * layer.height);
    });
    to.stroke();
  };
  for (const line of signs.a_lines ?? []) path(line, '#56b4e9', [6, 4]);
  for (const b of signs.b_lines ?? []) {
    to.strokeStyle = '#e69f00';
    to.setLineDash([to.lineWidth, 3 * to.lineWidth]);
    to.beginPath();
    to.moveTo(b.from.x * layer.width, b.from.y * layer.height);
    to.lineTo(b.to.x * layer.width, b.to.y * layer.height);
    to.stroke();
  }
  path(signs.pleura ?? [], '#f6f1e4', []);
  return layer;
}

export function showLamps(panel) {
  $('panel').hidden = panel === null;
  for (const lamp of $('lamps').children) {
    lamp.classList.toggle('lit', Boolean(panel?.lamps.score[Number(lamp.dataset.lamp)]));
  }
  $('live-lamp').classList.toggle('lit', Boolean(panel?.lamps.live));
  long('panel-note', panel ? ofPanel(panel) : '');
}

export function showVotes(nets, result) {
  const body = $('votes');
  while (body.children.length < nets.length) body.append(voteRow());
  while (body.children.length > nets.length) body.lastChild.remove();
  nets.forEach((net, i) => {
    const row = body.children[i];
    const vote = result?.votes.find((v) => v.net === net);
    row.dataset.net = net;
    row.dataset.vote = vote ? String(vote.score) : '';
    row.classList.toggle('against', Boolean(vote) && result.score !== null && vote.score !== result.score);
    const [name, digit, ...cells] = row.children;
    name.textContent = netName(net);
    digit.textContent = vote ? String(vote.score) : '–';
    const none = cells.pop();
    none.hidden = Boolean(vote);
    none.textContent = vote ? '' : noVote(result);
    cells.forEach((cell, s) => {
      cell.hidden = !vote;
      const p = vote ? vote.probs[s] : 0;
      cell.classList.toggle('chosen', Boolean(vote) && s === vote.score);
      cell.firstChild.style.setProperty('--share', p);
      cell.lastChild.textContent = vote ? `${Math.round(100 * p)}%` : '';
    });
  });
}

function voteRow() {
  const row = document.createElement('tr');
  const name = document.createElement('th');
  name.scope = 'row';
  row.append(name, document.createElement('td'));
  for (let s = 0; s < 4; s++) {
    const cell = document.createElement('td');
    cell.className = 'bar';
    cell.append(document.createElement('i'), document.createElement('span'));
    row.append(cell);
  }
  const none = document.createElement('td');
  none.colSpan = 4;
  none.className = 'none';
  row.append(none);
  return row;
}

// How old the picture on this screen is, from the scanner's to this one (ms).
export function showDelay(ms) {
  text('delay', ms === null ? '–' : `${Math.round(ms)} ms`);
}

export function showCounters(message) {
  const c = message?.counters;
  text('in-rate', c ? c.in_rate.toFixed(1) : '–');
  text('judged-rate', c ? c.judged_rate.toFixed(1) : '–');
  text('dropped', c ? String(c.dropped) : '–');
  text('latency', c && c.judged_rate > 0 ? `${c.latency_ms.toFixed(c.latency_ms < 10 ? 1 : 0)} ms` : '–');
}

// What stays true without live data: who and what this is.
export function showAbout(message, simulated) {
  text('device', message.device);
  long('release', message.release || '–');
  long('source', message.source || '–');
  long('engine', message.engine || '–');
  $('warning').hidden = !message.notice;
  long('warning', message.notice || '');
  $('centre-part').hidden = !message.centre;
  long('centre', message.centre || '');
  $('region').hidden = !message.places;
  $('exam').hidden = !message.exams;
  $('setup').hidden = !message.setup;
  $('set-up').hidden = !message.new || message.state === 'running'; // a new box that sees nothing yet
  $('help').hidden = !message.help;
  const why = [];
  if (simulated) why.push(t('simulated picture'));
  if (message.demo) why.push(t(message.demo));
  $('demo').hidden = why.length === 0;
  long('demo-text', why.join(' · '));
}
