// Shows the details of what is chosen on the map, and the current numbers.
'use strict';

const EVERY_MS = 2000;
const map = document.getElementById('map');
const picture = document.getElementById('picture');
const panel = document.getElementById('panel');
const body = document.getElementById('panel-body');
const wrong = document.getElementById('wrong');
const LEVELS = ['error', 'warning'];
let latest = null;
let opener = null;

const belongs = (key) => `[data-of~="${CSS.escape(key)}"]`;

function show(link) {
  const key = link.dataset.show;
  opener = link;
  light(link, key);
  document.getElementById('panel-title').textContent = link.dataset.name ?? link.getAttribute('aria-label');
  body.replaceChildren(...[...map.querySelectorAll('table')].flatMap((table) => excerpts(table, key)));
  if (!body.childElementCount) body.textContent = 'It publishes nothing, handles nothing and looks nothing up.';
  panel.hidden = false;
  update();
  panel.focus({ preventScroll: window.innerWidth > 900 });
}

// The rows of a table that belong to what was chosen, as short lists, because the panel is narrow.
function excerpts(table, key) {
  const rows = [...table.tBodies[0].querySelectorAll(`tr${belongs(key)}`)];
  const context = key.startsWith('context:') && key.slice(8);
  const own = (row) => !context || row.cells[0].textContent === context;
  return [[context ? table.dataset.own : '', rows.filter(own)], [table.dataset.others, rows.filter((row) => !own(row))]]
    .filter(([, some]) => some.length)
    .flatMap(([title, some]) => [part('h3', title), list(some, title === table.dataset.own)]);
}

function list(rows, isOwn) {
  const made = document.createElement('ul');
  for (const row of rows) {
    const item = made.appendChild(document.createElement('li'));
    [...row.cells].forEach((cell, number) => {
      if (number === 0 && isOwn) return;
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
    labels(arrow.dataset.show).forEach((each) => each.classList.add('chosen'));
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
  dim();
  opener?.focus();
}

function labels(key) {
  return picture.querySelectorAll(`[data-of-arrow="${CSS.escape(key)}"]`);
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
  for (const each of [link, ...labels(key)]) setLevel(each, trouble?.level);
  const shown = (trouble?.parts ?? []).slice(0, link.matches('.box') ? 2 : 1);
  for (const badge of picture.querySelectorAll(`[data-badge="${CSS.escape(key)}"]`)) {
    if (badge.textContent !== shown.join(' · ')) badge.replaceChildren(...shown.flatMap(badgePart));
  }
}

// The word beside a number is an element of its own: in the lines of a box on a phone there is no room for it.
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
document.getElementById('close').addEventListener('click', close);
document.addEventListener('keydown', (key) => { if (key.key === 'Escape') close(); });
look();
