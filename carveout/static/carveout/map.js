// Shows the details of what is chosen or searched for on the map, and the current numbers.
'use strict';

const EVERY_MS = 2000;
const map = document.getElementById('map');
const picture = document.getElementById('picture');
const panel = document.getElementById('panel');
const body = document.getElementById('panel-body');
const wrong = document.getElementById('wrong');
const find = document.getElementById('find');
const folds = [...map.querySelectorAll('details')];
const openAtFirst = new Set(folds.filter((fold) => fold.open));
const LEVELS = ['error', 'warning'];
let latest = null;
let opener = null;

const badges = index('badge');
const labels = index('of-arrow');

const belongs = (key) => `[data-of~="${CSS.escape(key)}"]`;

function show(link) {
  const key = link.dataset.show;
  opener = link;
  light(link, key);
  document.getElementById('panel-title').textContent = link.dataset.name ?? link.getAttribute('aria-label');
  body.replaceChildren(...[...map.querySelectorAll('section[data-own]')].flatMap((section) => excerpts(section, key)));
  if (!body.childElementCount) body.textContent = 'It publishes nothing, handles nothing and looks nothing up.';
  panel.hidden = false;
  filter(`what belongs to “${document.getElementById('panel-title').textContent}”`, (row) => row.matches(belongs(key)));
  update();
  panel.focus({ preventScroll: window.innerWidth > 900 });
}

// The rows of a section that belong to what was chosen, as short lists, because the panel is narrow.
function excerpts(section, key) {
  const rows = [...section.querySelectorAll(`tr${belongs(key)}`)];
  const context = key.startsWith('context:') && key.slice(8);
  const own = (row) => !context || row.closest('details').dataset.context === context;
  return [[context ? section.dataset.own : '', rows.filter(own), true], [section.dataset.others, rows.filter((row) => !own(row)), false]]
    .filter(([, some]) => some.length)
    .flatMap(([title, some, isOwn]) => [part('h3', title), list(some, isOwn && context)]);
}

// The lists below the picture: only some rows, without the folds that have none of them; or all.
function filter(what, keep) {
  document.getElementById('filtered').textContent = keep ? `The lists show only ${what}.` : '';
  for (const fold of folds) {
    const rows = [...fold.querySelectorAll('tbody tr')];
    for (const row of rows) row.hidden = Boolean(keep) && !keep(row);
    fold.hidden = rows.every((row) => row.hidden);
    fold.open = keep ? !fold.hidden : openAtFirst.has(fold);
  }
  for (const section of map.querySelectorAll('section[data-own]')) section.hidden = !section.querySelector('details:not([hidden])');
}

function list(rows, isOwn) {
  const made = document.createElement('ul');
  for (const row of rows) {
    const item = made.appendChild(document.createElement('li'));
    item.classList.toggle('own', Boolean(isOwn));
    [...row.cells].forEach((cell) => {
      if (cell.dataset.seen) {
        const part = item.appendChild(document.createElement('span'));
        part.append(`${cell.dataset.head} `);
        part.appendChild(document.createElement('b')).dataset.seen = cell.dataset.seen;
      } else if (cell.textContent) {
        const part = item.appendChild(document.createElement('div'));
        if (cell.dataset.head) part.append(`${cell.dataset.head} `);
        part.append(...[...cell.childNodes].map((node) => node.cloneNode(true)));
      }
    });
  }
  return made;
}

function light(link, key) {
  dim();
  picture.classList.add('chosen');
  link.classList.add('itself');
  const arrows = link.matches('.arrow') ? [link] : [...picture.querySelectorAll(`.arrow${belongs(key)}`)];
  const shown = new Set([key]);
  for (const arrow of arrows) {
    arrow.classList.add('chosen');
    arrow.dataset.ends.split(' ').forEach((end) => shown.add(end));
    labels.get(arrow.dataset.show)?.forEach((each) => each.classList.add('chosen'));
  }
  if (key.startsWith('event:')) shown.add(`context:${key.slice(6).split('.')[0]}`);
  if (!key.startsWith('event:')) arrows.forEach((arrow) => arrow.dataset.of.split(' ').forEach((each) => shown.add(each)));
  const own = key.startsWith('context:') ? `event:${key.slice(8)}.` : key;
  for (const each of picture.querySelectorAll('.box, .event')) {
    if (shown.has(each.dataset.show) || each.dataset.show.startsWith(own)) each.classList.add('chosen');
  }
}

function dim() {
  picture.classList.remove('chosen');
  picture.querySelectorAll('.chosen').forEach((each) => each.classList.remove('chosen', 'itself'));
}

function close() {
  if (panel.hidden) return;
  panel.hidden = true;
  search();
  opener?.focus();
}

// Lights up what has the text in its name. With a point in it the name of the context counts too.
function search() {
  dim();
  const text = find.value.trim().toLowerCase();
  document.getElementById('found').textContent = '';
  if (!text) return filter('', null);
  const has = (name) => (text.includes('.') ? name : name.slice(name.indexOf('.') + 1)).toLowerCase().includes(text);
  const contexts = [...picture.querySelectorAll('.box')].map((box) => box.dataset.show).filter((key) => has(key.slice(8)));
  const events = [...document.getElementById('after').options].map((option) => option.value).filter((name) => name && has(name));
  const rows = [...document.querySelectorAll('#progress tbody tr')].filter((row) => has(row.dataset.names));
  const itself = [...contexts, ...events.map((name) => `event:${name}`)];
  for (const name of [...events, ...rows.map((row) => row.dataset.names)]) itself.push(`context:${name.split('.')[0]}`);
  const keys = new Set([...itself, ...rows.flatMap((row) => row.dataset.of.split(' '))]);
  for (const name of events) {
    picture.querySelectorAll(`.arrow${belongs(`event:${name}`)}`).forEach((arrow) => keys.add(arrow.dataset.show));
  }
  picture.classList.add('chosen');
  for (const arrow of picture.querySelectorAll('.arrow')) {
    if (keys.has(arrow.dataset.show)) arrow.dataset.ends.split(' ').forEach((end) => keys.add(end));
  }
  for (const each of picture.querySelectorAll('[data-show]')) {
    const key = each.dataset.show;
    for (const one of [each, ...(labels.get(key) ?? [])]) one.classList.toggle('chosen', keys.has(key));
    each.classList.toggle('itself', itself.includes(key));
  }
  const counts = [[contexts, 'context'], [events, 'event'], [rows, 'subscription']].filter(([those]) => those.length);
  document.getElementById('found').textContent = counts.map(([those, noun]) => `${those.length} ${noun}${those.length > 1 ? 's' : ''}`).join(', ') || 'Nothing found';
  filter(`what has “${text}” in its name`, (row) => row.dataset.names.toLowerCase().includes(text));
}

// Opens the first thing that was found.
function showFound() {
  const first = picture.querySelector('.itself');
  if (find.value.trim() && first) show(first);
}

function index(name) {
  const found = new Map();
  for (const each of map.querySelectorAll(`[data-${name}]`)) {
    const key = each.getAttribute(`data-${name}`);
    found.set(key, [...(found.get(key) ?? []), each]);
  }
  return found;
}

function update() {
  if (!latest) return;
  for (const cell of map.querySelectorAll('[data-seen]')) {
    const text = latest.cells[cell.dataset.seen] ?? '';
    if (cell.textContent !== text) cell.textContent = text;
    cell.classList.toggle('zero', text === '0');
    setLevel(cell, latest.levels[cell.dataset.seen]);
  }
  picture.querySelectorAll('[data-show]').forEach(mark);
  if (opener && !panel.hidden) listTroubles(opener.dataset.show);
  document.getElementById('at').textContent = latest.at;
  document.getElementById('unread').textContent = latest.unread.map((each) => `Not checked: ${each} `).join('');
}

function setLevel(element, level) {
  for (const each of LEVELS) element.classList.toggle(`trouble-${each}`, each === level);
}

// What is wrong with a box, an arrow or an event: as a colour, a text, and in its name.
function mark(link) {
  const key = link.dataset.show;
  const trouble = latest.troubles[key];
  link.dataset.name ??= link.getAttribute('aria-label');
  const name = trouble ? `${link.dataset.name}: ${trouble.parts.join(', ')}` : link.dataset.name;
  if (link.getAttribute('aria-label') !== name) {
    link.setAttribute('aria-label', name);
    const title = link.querySelector('title');
    if (title) title.textContent = name;
  }
  for (const each of [link, ...(labels.get(key) ?? [])]) setLevel(each, trouble?.level);
  const shown = (trouble?.parts ?? []).slice(0, link.matches('.box') ? 2 : 1);
  for (const badge of badges.get(key) ?? []) {
    const inList = badge.matches('span');
    if (inList) setLevel(badge, trouble?.level);
    if (badge.textContent !== shown.join(' · ')) badge.replaceChildren(...(inList ? [shown.join(' · ')] : shown.flatMap(badgePart)));
  }
}

// The word beside a number is an element of its own: in the lines of a box there may be no room for it.
function badgePart(text, index) {
  const [, number, word] = text.match(/^([\d,]* ?)(.*)$/);
  const made = document.createElementNS('http://www.w3.org/2000/svg', 'tspan');
  made.textContent = word;
  if (number) made.setAttribute('class', 'word');
  return [(index ? ' · ' : '') + number, made];
}

function listTroubles(key) {
  const lines = latest.troubles[key]?.lines ?? [];
  const now = JSON.stringify(lines);
  if (wrong.dataset.shown === now) return;
  wrong.dataset.shown = now;
  wrong.hidden = !lines.length;
  wrong.querySelector('ul').replaceChildren(...lines.map((line) => {
    const item = document.createElement('li');
    const text = part(line.url ? 'a' : 'span', line.text, `trouble-${line.level}`);
    if (line.url) text.href = line.url;
    item.append(part('b', line.who), ': ', text);
    return item;
  }));
}

function part(name, text, classes = '') {
  const made = document.createElement(name);
  made.textContent = text;
  made.className = classes;
  return made;
}

async function look() {
  if (!document.hidden) {
    try {
      const answer = await fetch(map.dataset.live, { headers: { Accept: 'application/json' } });
      if (!answer.ok) throw new Error(`the server answered ${answer.status}`);
      latest = await answer.json();
      update();
    } catch (error) {
      document.getElementById('unread').textContent = `These numbers are old: ${error.message}.`;
    }
  }
  setTimeout(look, EVERY_MS);
}

picture.addEventListener('click', (click) => {
  const link = click.target.closest('[data-show]');
  if (!link) return close();
  click.preventDefault();
  show(link);
});
document.getElementById('search').hidden = false;
find.addEventListener('input', () => { panel.hidden = true; search(); });
find.addEventListener('keydown', (key) => { if (key.key === 'Enter') showFound(); });
let closed = [];
window.addEventListener('beforeprint', () => {  // paper can't be unfolded
  closed = folds.filter((fold) => !fold.open);
  for (const fold of closed) fold.open = true;
});
window.addEventListener('afterprint', () => { for (const fold of closed) fold.open = false; });
document.getElementById('close').addEventListener('click', close);
document.addEventListener('keydown', (key) => { if (key.key === 'Escape') close(); });
look();
