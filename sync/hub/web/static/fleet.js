// Shows the fleet, and says so when what it shows is no longer fresh.

const $ = (id) => document.getElementById(id);
const EVERY = 4000; // between two looks, in milliseconds
const STALE = 8000; // after which nothing is shown as if it were now
let heard = 0;
let last = null;
let timer = 0;

function element(name, text, className) {
  const e = document.createElement(name);
  if (text !== undefined) e.textContent = text;
  if (className) e.className = className;
  return e;
}

function mode(login) {
  $('login').hidden = !login;
  $('fleet').hidden = login;
  $('logout').hidden = login;
  if (login) {
    $('who').textContent = '';
    last = null;
    trouble('');
  }
}

function trouble(text) {
  document.body.classList.toggle('stale', text !== '');
  $('trouble').hidden = !text;
  $('trouble').textContent = text;
}

async function refresh() {
  clearTimeout(timer);
  let login = false;
  try {
    const answer = await fetch('/api/fleet');
    if (answer.status === 401) {
      login = true;
      mode(true);
    } else if (answer.ok) {
      last = await answer.json();
      heard = performance.now();
      mode(false);
      trouble('');
      draw();
    } else {
      trouble(await answer.text());
    }
  } catch {
    // the watch below says how old this is
  }
  if (!login) timer = setTimeout(refresh, EVERY);
}

setInterval(() => {
  if (last === null) return;
  const age = performance.now() - heard;
  if (age > STALE) trouble(`No word from the hub for ${Math.round(age / 1000)} seconds: what you see is old`);
}, 1000);

const number = (n) => n.toLocaleString('en');

// Why somebody should look at a box; '' for no reason.
function attention(box) {
  if (box.revoked) return '';
  const why = [];
  if (box.odd > 0) why.push(`${box.odd} result${box.odd === 1 ? '' : 's'} in quarantine`);
  if (box.state === 'fault') why.push(box.detail || 'fault');
  if (box.notice) why.push(box.notice);
  if (box.update.startsWith('refused') || box.update.startsWith('rolled-back')) why.push(`update ${box.update}`);
  if (!box.online && (box.seen_s < 0 || box.seen_s > 24 * 3600)) why.push(box.seen_s < 0 ? 'never seen' : 'silent for a day or more');
  return why.join('; ');
}

function ago(s) {
  if (s < 0) return 'never';
  if (s < 90) return `${s} s ago`;
  if (s < 5400) return `${Math.round(s / 60)} min ago`;
  if (s < 172800) return `${Math.round(s / 3600)} h ago`;
  return `${Math.round(s / 86400)} days ago`;
}

function draw() {
  const boxes = last.boxes;
  const live = boxes.filter((b) => !b.revoked);
  const hot = live.filter((b) => attention(b) !== '');
  $('who').textContent = `${last.person.Name}, ${last.person.Role}`;
  $('online').textContent = number(live.filter((b) => b.online).length);
  $('all').textContent = number(live.length);
  $('attention').textContent = number(hot.length);
  $('attention').parentElement.classList.toggle('hot', hot.length > 0);
  $('waiting').textContent = number(live.reduce((sum, b) => sum + b.waiting, 0));
  $('results').textContent = number(last.results);
  drawRollout(last.rollout);
  drawSites();
}

function drawRollout(r) {
  $('rollout').hidden = r === null;
  if (r === null) return;
  const order = ['installed', 'asked', 'failed', 'silent', 'planned'];
  const total = order.reduce((sum, s) => sum + (r.counts[s] ?? 0), 0);
  const stages = ['canary', '5 %', '25 %', '100 %'];
  $('rollout-title').textContent = `Rollout ${r.id} of release ${r.release}: ${r.state}, stage ${stages[r.stage] ?? r.stage}`;
  $('rollout-bar').replaceChildren(...order.filter((s) => s !== 'planned').map((s) => {
    const part = element('i', undefined, s);
    part.style.width = `${(100 * (r.counts[s] ?? 0)) / Math.max(total, 1)}%`;
    return part;
  }));
  $('rollout-text').textContent = `${order.map((s) => `${r.counts[s] ?? 0} ${s}`).join(', ')}${r.reason ? ` – ${r.reason}` : ''}`;
  const may = ['operator', 'admin'].includes(last.person.Role);
  const allowed = { pause: ['running'], resume: ['paused', 'stopped'], abort: ['running', 'paused', 'stopped'] };
  for (const b of document.querySelectorAll('[data-action]')) {
    b.hidden = !may;
    b.disabled = !allowed[b.dataset.action].includes(r.state);
  }
}

function drawSites() {
  const find = $('find').value.trim().toLowerCase();
  const only = $('only').checked;
  const sites = new Map();
  for (const b of last.boxes) {
    const why = attention(b);
    const text = [b.site, b.device, b.group, b.release, b.state, b.notice, why].join(' ').toLowerCase();
    if ((find && !text.includes(find)) || (only && !why)) continue;
    if (!sites.has(b.site)) sites.set(b.site, []);
    sites.get(b.site).push([b, why]);
  }
  if (sites.size === 0) {
    $('sites').replaceChildren(element('p', last.boxes.length === 0 ? 'No box is enrolled yet: lunghub enrol --site SITE --device DEVICE' : 'No box fits.'));
    return;
  }
  $('sites').replaceChildren(...[...sites].map(([site, boxes]) => drawSite(site, boxes)));
}

function drawSite(site, boxes) {
  const part = element('div', undefined, 'site');
  const head = element('header');
  head.append(element('h3', site), trend(site));
  part.append(head);
  const table = element('table');
  const titles = element('tr');
  for (const [t, c] of [['Box'], ['Presence'], ['State'], ['Release'], ['Last result', 'n'], ['Waiting', 'n'], ['Attention']]) titles.append(element('th', t, c));
  table.append(titles);
  for (const [b, why] of boxes) {
    const row = element('tr', undefined, why ? 'hot' : '');
    row.append(element('td', b.group ? `${b.device} (${b.group})` : b.device));
    const presence = element('td');
    presence.append(b.revoked ? element('span', 'revoked', 'off') : b.online ? '● online' : element('span', `○ off, ${ago(b.seen_s)}`, 'off'));
    row.append(presence, element('td', b.online ? b.state : ''));
    const release = element('td', `${b.release} `);
    if (b.demo) release.append(element('span', 'DEMO', 'demo'));
    row.append(release, element('td', b.last ? number(b.last) : '', 'n'), element('td', b.waiting ? number(b.waiting) : '', 'n'), element('td', why));
    table.append(row);
  }
  part.append(table);
  return part;
}

// Scores of a site, day by day: the share of each score, light to dark.
function trend(site) {
  const box = element('div');
  const days = last.days.filter((d) => d.site === site);
  if (days.length === 0) {
    box.append(element('span', 'no results in two weeks', 'legend'));
    return box;
  }
  const bars = element('div', undefined, 'trend');
  for (const d of days) {
    const bar = element('span');
    const all = d.none + d.scores.reduce((a, b) => a + b, 0);
    bar.title = `${d.day}: ${d.scores.map((n, s) => `score ${s}: ${number(n)}`).join(', ')}, no score: ${number(d.none)}${d.simulated ? `, of these simulated: ${number(d.simulated)}` : ''}`;
    [...d.scores, d.none].forEach((n, s) => {
      const i = element('i', undefined, s < 4 ? `s${s}` : 'none');
      i.style.height = `${(100 * n) / all}%`;
      bar.append(i);
    });
    bars.append(bar);
  }
  const simulated = days.some((d) => d.simulated > 0);
  box.append(bars, element('p', `scores by day, 0 light to 3 dark, none grey${simulated ? ' – with SIMULATED pictures' : ''}`, 'legend'));
  return box;
}

$('login').addEventListener('submit', async (event) => {
  event.preventDefault();
  $('said').textContent = '';
  try {
    const answer = await fetch('/api/login', { method: 'POST', body: JSON.stringify({ Name: $('name').value, Password: $('password').value }) });
    if (!answer.ok) {
      $('said').textContent = await answer.text();
      return;
    }
    $('password').value = '';
    refresh();
  } catch {
    $('said').textContent = 'The hub does not answer';
  }
});
$('logout').addEventListener('click', async () => {
  await fetch('/api/logout', { method: 'POST' });
  refresh();
});
for (const b of document.querySelectorAll('[data-action]')) {
  b.addEventListener('click', async () => {
    const why = b.dataset.action === 'abort' ? prompt('Why is the rollout aborted?') : '';
    if (why === null) return;
    const answer = await fetch('/api/rollout', { method: 'POST', body: JSON.stringify({ Action: b.dataset.action, Why: why }) });
    if (!answer.ok) trouble(await answer.text());
    refresh();
  });
}
$('find').addEventListener('input', () => last && drawSites());
$('only').addEventListener('change', () => last && drawSites());
refresh();
