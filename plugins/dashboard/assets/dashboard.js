// Brings the pages up to date, shows times as the viewer has them and lets plots be read. Every page works without it.

const main = document.querySelector('main');
const liveButton = document.getElementById('live');
const news = document.getElementById('news');

// Times

const formats = {
  time: { hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23' },
  minute: { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' },
  day: { month: 'short', day: 'numeric' },
  full: { dateStyle: 'medium', timeStyle: 'medium' },
};
const formatters = Object.fromEntries(
  Object.entries(formats).map(([shown, options]) => [shown, new Intl.DateTimeFormat(undefined, options)]),
);

function localise(root) {
  for (const time of root.querySelectorAll('time[datetime]')) {
    const moment = new Date(time.dateTime);
    time.textContent = formatters[time.dataset.shown].format(moment);
    time.title = formatters.full.format(moment);
  }
}

// Light and dark

const themes = ['system', 'light', 'dark'];
const themeButton = document.getElementById('theme');

function showTheme() {
  const theme = document.documentElement.dataset.theme ?? 'system';
  themeButton.textContent = `Theme: ${theme}`;
  themeButton.hidden = false;
  return theme;
}

themeButton?.addEventListener('click', () => {
  const next = themes[(themes.indexOf(showTheme()) + 1) % themes.length];
  if (next === 'system') delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = next;
  const age = next === 'system' ? 0 : 31_536_000;
  // biome-ignore lint/suspicious/noDocumentCookie: the server reads it, and the Cookie Store API wants a secure context.
  document.cookie = `bifrost_theme=${next}; path=/ui; max-age=${age}; samesite=strict`;
  showTheme();
});

// Plots: the table below each holds the values

function readPlot(plot, index) {
  const figure = plot.closest('figure');
  const rows = figure.querySelectorAll('tbody tr');
  const at = Math.max(0, Math.min(rows.length - 1, index));
  const names = [...figure.querySelectorAll('thead th')].map((cell) => cell.textContent);
  const cells = [...rows[at].cells].map((cell) => cell.textContent);
  const text = cells.map((cell, i) => (i === 0 ? cell : `${names[i]} ${cell}`)).join(' · ');
  const x = ((at + 0.5) / rows.length) * 600;
  plot.dataset.at = at;
  plot.setAttribute('aria-valuenow', at + 1);
  plot.setAttribute('aria-valuetext', text);
  plot.querySelector('.cursor').setAttribute('d', `M${x} 0V160`);
  figure.querySelector('.readout').textContent = text;
}

function leavePlot(plot) {
  plot.querySelector('.cursor').setAttribute('d', '');
  plot.closest('figure').querySelector('.readout').textContent = '';
}

document.addEventListener('pointermove', ({ target, clientX }) => {
  const svg = target.closest?.('.plot svg');
  for (const plot of document.querySelectorAll('.plot:hover, .plot[data-hovered]')) {
    plot.toggleAttribute('data-hovered', plot.contains(svg));
    if (!plot.contains(svg) && plot !== document.activeElement) leavePlot(plot);
  }
  if (!svg) return;
  const { left, width } = svg.getBoundingClientRect();
  const plot = svg.closest('.plot');
  readPlot(plot, Math.floor(((clientX - left) / width) * Number(plot.getAttribute('aria-valuemax'))));
});

document.addEventListener('keydown', (event) => {
  const plot = event.target.closest?.('.plot');
  if (!plot) return;
  const last = Number(plot.getAttribute('aria-valuemax')) - 1;
  const at = Number(plot.dataset.at ?? last);
  const steps = {
    ArrowLeft: at - 1,
    ArrowDown: at - 1,
    ArrowRight: at + 1,
    ArrowUp: at + 1,
    Home: 0,
    End: last,
    PageDown: at - 10,
    PageUp: at + 10,
  };
  if (!(event.key in steps)) return;
  event.preventDefault();
  readPlot(plot, steps[event.key]);
});

document.addEventListener('focusin', ({ target }) => {
  if (target.matches('.plot:focus-visible'))
    readPlot(target, Number(target.dataset.at ?? target.getAttribute('aria-valuemax') - 1));
});
document.addEventListener('focusout', ({ target }) => {
  if (target.matches('.plot')) leavePlot(target);
});

// Updates

let live = true;
let busy = false;
let again = false;

/** Fetches the page anew and takes over the regions that changed; what is open, focused or being read stays so. */
async function update() {
  if (busy) {
    again = true;
    return;
  }
  busy = true;
  try {
    const response = await fetch(location.href, { headers: { accept: 'text/html' } });
    if (response.redirected && new URL(response.url).pathname === '/ui/sign-in') return location.assign('/ui/sign-in');
    if (!response.ok) throw new Error(String(response.status));
    const fresh = new DOMParser().parseFromString(await response.text(), 'text/html');
    localise(fresh);
    if (live)
      for (const region of document.querySelectorAll('[data-live][id]'))
        replace(region, fresh.getElementById(region.id));
    liveButton.removeAttribute('data-broken');
  } catch {
    liveButton.dataset.broken = '';
    say('The gateway does not answer. Trying again.');
  } finally {
    busy = false;
    if (again) {
      again = false;
      setTimeout(update, 500);
    }
  }
}

function replace(region, fresh) {
  if (fresh === null) return;
  const focused = region.contains(document.activeElement) ? document.activeElement.id : '';
  const reading = [...region.querySelectorAll('.plot[data-at]')].map((plot) => [
    plot.id,
    plot.dataset.at,
    plot.matches(':hover, :focus'),
  ]);
  const open = [...region.querySelectorAll('details[open][id]')].map(({ id }) => id);
  const known = new Set([...region.querySelectorAll('tbody [id^="r-"]')].map(({ id }) => id));
  for (const id of open) fresh.querySelector(`#${CSS.escape(id)}`)?.setAttribute('open', '');
  region.replaceChildren(...fresh.childNodes);
  if (focused !== '') document.getElementById(focused)?.focus({ preventScroll: true });
  for (const [id, at, isRead] of reading) {
    const plot = document.getElementById(id);
    if (plot === null) continue;
    plot.dataset.at = at;
    if (isRead) readPlot(plot, Number(at));
  }
  if (known.size === 0) return;
  for (const link of region.querySelectorAll('tbody [id^="r-"]')) {
    if (!known.has(link.id)) link.closest('tr').classList.add('fresh');
  }
}

let said = '';
function say(text) {
  if (text !== said) news.textContent = text;
  said = text;
}

/** Tells screen readers of new requests: the first at once, then at most every ten seconds, however many come. */
let arrived = 0;
let isTelling = false;
function announceArrival() {
  arrived += 1;
  if (isTelling) return;
  isTelling = true;
  const tell = () => {
    if (arrived > 0) say(`${arrived} new ${arrived === 1 ? 'request' : 'requests'}`);
    arrived = 0;
    isTelling = false;
  };
  setTimeout(tell, said === '' ? 300 : 10_000);
}

function follow() {
  let isWaiting = false;
  const soon = () => {
    if (isWaiting) return;
    isWaiting = true;
    setTimeout(() => {
      isWaiting = false;
      if (live && !document.hidden) void update();
    }, 300);
  };
  const feed = new EventSource('/api/records/live');
  feed.addEventListener('record', () => {
    if (!live) return;
    announceArrival();
    soon();
  });
  feed.addEventListener('open', soon);
  feed.addEventListener('error', () => {
    liveButton.dataset.broken = '';
  });
  document.addEventListener('visibilitychange', soon);
  addEventListener('pagehide', () => feed.close());
}

liveButton?.addEventListener('click', () => {
  live = !live;
  liveButton.setAttribute('aria-pressed', String(live));
  if (live) void update();
});

if (liveButton !== null) {
  liveButton.hidden = false;
  const { updates } = main.dataset;
  if (updates === 'records') follow();
  else setInterval(() => live && !document.hidden && void update(), Number(updates));
}

// Filter: choosing is enough, nothing empty goes into the address

const filter = document.getElementById('filter');
filter?.addEventListener('change', ({ target }) => {
  if (target.matches('select')) filter.requestSubmit();
});
filter?.addEventListener('submit', () => {
  for (const field of filter.elements) if (field.name !== '' && field.value === '') field.disabled = true;
});

localise(document);
if (themeButton !== null) showTheme();
