/**
 * The page: incidents as they stand, kept current by the event stream, and the way to what has a page of its own. Everything
 * that it shows came from hosts, so it is only ever set as text.
 */
import { byId, get, make, number, plural, setText, tick } from './elements.js';
import { showFleet, totalLost } from './fleet.js';
import {
  endLoad,
  isLoad,
  MOST_PAST,
  OPEN_STATES,
  PAST_STATES,
  put,
  showIncidents,
  startLoad,
} from './incidents.js';
import { showView, tellView, viewTitle } from './views.js';

const POLL_MS = 10_000;

let loaded = false;
let summary = null;
/** The window's, with how many incidents fire. */
let title = 'Netfall';

// --- What is shown ----------------------------------------------------------------------------------------------------

function show() {
  const { open, firing } = showIncidents();
  title = firing === 0 ? 'Netfall' : `(${firing}) Netfall`;
  showTitle();
  showEmpty(open === 0);
}

function showTitle() {
  const about = viewTitle();
  document.title = about === '' ? title : `${title}: ${about}`;
}

function showEmpty(isEmpty) {
  byId('empty').hidden = !isEmpty || !loaded || summary === null;
  if (byId('empty').hidden) return;
  const hosts = summary.hosts.live;
  const lost = totalLost(summary);
  if (Object.values(summary.hosts).every((count) => count === 0)) {
    setText(byId('empty-title'), 'No host reports yet.');
    const command = make('code', '', 'netfall agent --config FILE');
    byId('empty-detail').replaceChildren('Start an agent: ', command, '. It appears here within seconds.');
    return;
  }
  // A replica that is still reading the log cannot say that all is well.
  setText(byId('empty-title'), byId('notice').hidden ? 'No incidents.' : 'No incidents so far.');
  const reports =
    hosts === 1
      ? '1 host reports, and its ledger shows'
      : `${number.format(hosts)} hosts report, and their ledgers show`;
  const ledger =
    lost === 0
      ? `no losses: nothing is missing from what ${hosts === 1 ? 'it counts' : 'they count'}`
      : `${plural(lost, 'loss', 'losses')}, listed above`;
  setText(byId('empty-detail'), `${reports} ${ledger}.`);
}

/** Shows what the address names: a view, or all incidents. */
function route() {
  const hadView = !byId('view').hidden;
  const hasView = showView(location.hash, showTitle);
  byId('incidents').hidden = hasView;
  const isCrash = location.hash.startsWith('#crash');
  for (const link of byId('views').children) {
    const isCurrent = (link.hash === '#crashes') === isCrash;
    if (isCurrent) link.setAttribute('aria-current', 'page');
    else link.removeAttribute('aria-current');
  }
  showTitle();
  if (hasView || !hadView) return;
  // What had the focus is gone: who came back goes on from the heading.
  byId('open-title').focus({ preventScroll: true });
  scrollTo(0, 0);
}

// --- The collector ----------------------------------------------------------------------------------------------------

async function poll() {
  try {
    summary = await get('/api/v1/summary');
    showFleet(summary);
    const ready = await fetch('/readyz');
    const answer = await ready.json();
    byId('notice').hidden = ready.ok;
    if (ready.ok) {
      setText(
        byId('replica'),
        `cell ${answer.cell}, replica ${answer.replica}, entry ${number.format(answer.sequence)} of the log`,
      );
    } else {
      setText(byId('notice'), `What is shown is not current yet: ${answer.error.message}.`);
    }
    show();
  } catch {
    // The connection's own line says that the collector cannot be reached.
  }
}

// --- The connection ---------------------------------------------------------------------------------------------------

/** Reads the lists anew; what comes over the stream meanwhile stays. */
async function reload() {
  const mine = startLoad();
  const states = OPEN_STATES.map((state) => `state=${state}`).join('&');
  const past = PAST_STATES.map((state) => `state=${state}`).join('&');
  let cursor = '';
  do {
    const page = await get(`/api/v1/incidents?limit=200&${states}${cursor}`);
    if (!isLoad(mine)) return;
    page.incidents.forEach(put);
    cursor = page.next_cursor === null ? '' : `&cursor=${page.next_cursor}`;
  } while (cursor !== '');
  const { incidents } = await get(`/api/v1/incidents?limit=${MOST_PAST}&${past}`);
  if (!isLoad(mine)) return;
  incidents.forEach(put);
  endLoad(mine);
  loaded = true;
  show();
}

function reloadUntilDone() {
  reload().catch((error) => {
    console.warn(error);
    setTimeout(reloadUntilDone, 2000);
  });
}

function connection(state, text) {
  const line = byId('connection');
  line.dataset.state = state;
  setText(line, text);
}

function connect() {
  const stream = new EventSource('/api/v1/stream');
  stream.addEventListener('open', () => connection('live', 'Live'));
  stream.addEventListener('error', () => {
    connection('lost', loaded ? 'Reconnecting; what is shown may be old' : 'The collector does not answer');
    if (stream.readyState !== EventSource.CLOSED) return;
    // Browsers give up after an answer that is no stream, such as a refusal.
    setTimeout(connect, 5000);
  });
  stream.addEventListener('reset', reloadUntilDone);
  stream.addEventListener('incident', ({ data }) => {
    const incident = JSON.parse(data);
    put(incident);
    show();
    tellView(incident);
  });
}

setInterval(() => document.querySelectorAll('time').forEach(tick), 1000);
setInterval(poll, POLL_MS);
addEventListener('hashchange', route);
route();
connect();
poll();
