// Shows the details of what is chosen on the map, and the current numbers.
'use strict';

const EVERY_MS = 2000;
const map = document.getElementById('map');
const picture = document.getElementById('picture');
const panel = document.getElementById('panel');
const body = document.getElementById('panel-body');
let latest = null;
let opener = null;

const belongs = (key) => `[data-of~="${CSS.escape(key)}"]`;

function show(link) {
  const key = link.dataset.show;
  opener = link;
  light(link, key);
  document.getElementById('panel-title').textContent = link.getAttribute('aria-label');
  body.replaceChildren(...[...map.querySelectorAll('table')].flatMap((table) => excerpts(table, key)));
  if (!body.childElementCount) body.textContent = 'It publishes nothing, handles nothing and looks nothing up.';
  panel.hidden = false;
  word();
  panel.focus({ preventScroll: window.innerWidth > 900 });
}

// The rows of a table that belong to what was chosen, as short lists, because the panel is narrow.
function excerpts(table, key) {
  const rows = [...table.tBodies[0].querySelectorAll(`tr${belongs(key)}`)];
  const context = key.startsWith('context:') && key.slice(8);
  const own = (row) => !context || row.cells[0].textContent === context;
  return [[context ? table.dataset.own : '', rows.filter(own)], [table.dataset.others, rows.filter((row) => !own(row))]]
    .filter(([, some]) => some.length)
    .flatMap(([title, some]) => [heading(title), list(some, title === table.dataset.own)]);
}

function heading(text) {
  const made = document.createElement('h3');
  made.textContent = text;
  return made;
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
    picture.querySelector(`[data-name="${CSS.escape(arrow.dataset.show)}"]`)?.classList.add('chosen');
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

function word() {
  if (!latest) return;
  const bad = new Set(latest.bad);
  for (const cell of map.querySelectorAll('[data-seen]')) {
    const text = latest.cells[cell.dataset.seen] ?? '';
    if (cell.textContent !== text) cell.textContent = text;
    cell.classList.toggle('bad', bad.has(cell.dataset.seen));
  }
  document.getElementById('at').textContent = latest.at;
  document.getElementById('unread').textContent = latest.unread.map((each) => `Not checked: ${each} `).join('');
}

async function look() {
  if (!document.hidden) {
    try {
      const answer = await fetch(map.dataset.live, { headers: { Accept: 'application/json' } });
      if (!answer.ok) throw new Error(`the server answered ${answer.status}`);
      latest = await answer.json();
      word();
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
