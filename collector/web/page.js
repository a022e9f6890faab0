/**
 * The page: incidents as they stand, kept current by the event stream, and the way to the crashes. Everything that it shows
 * came from hosts, so it is only ever set as text. An incident's row is made once and then brought up to date, so that what
 * is open stays open and what has the focus keeps it.
 */
import { crashesTitle, showCrashes } from './crashes.js';
import {
  arrange,
  byId,
  clockTime,
  get,
  heading,
  make,
  makeTime,
  number,
  plural,
  setText,
  span,
  tick,
} from './elements.js';

const OPEN_STATES = ['firing', 'acknowledged', 'resolving'];
const PAST_STATES = ['resolved', 'closed'];
const SEVERITIES = ['critical', 'warning', 'info'];
const STATUSES = ['live', 'silent', 'stopped', 'conflict'];
/** What is shown at most: of the past, and of hosts in an incident. */
const MOST_PAST = 50;
const MOST_HOSTS = 200;
const POLL_MS = 10_000;

/** Rows by incident id: { incident, item, update }. */
const rows = new Map();
/** Counts loads, so that an incident that came over the stream during one is not taken for an old one. */
let load = 0;
let loaded = false;
let summary = null;
/** The window's, with how many incidents fire. */
let title = 'Netfall';

// --- An incident's row ------------------------------------------------------------------------------------------------

function makeRow(incident) {
  const parts = {
    badge: make('span', 'badge'),
    title: make('span', 'title'),
    meaning: make('span', 'meaning'),
    when: make('span', 'when'),
    hosts: make('span', 'hosts'),
    detail: make('div', 'detail'),
  };
  const facts = make('span', 'facts', parts.when, parts.hosts);
  const what = make('span', 'what', parts.title, parts.meaning, facts);
  const summaryLine = make('summary', 'line', parts.badge, what);
  const details = make('details', 'incident', summaryLine, parts.detail);
  details.id = incident.id;
  // Made once, so that what is folded out stays so when the incident changes.
  const causes = make('section', 'causes');
  causes.hidden = true;
  const row = { incident, load, details, parts, causes, item: make('li', '', details) };
  // What is folded away is not made until it is looked at.
  details.addEventListener('toggle', () => fillDetail(row));
  updateRow(row, incident);
  return row;
}

function updateRow(row, incident) {
  row.incident = incident;
  const { details, parts } = row;
  const { severity, state, hosts, hosts_total } = incident;
  const past = PAST_STATES.includes(state);
  details.dataset.severity = severity;
  details.dataset.state = state;
  setText(parts.badge, past ? 'resolved' : severity);
  setText(parts.title, incident.title);
  setText(parts.meaning, incident.meaning);
  const active = hosts.filter((host) => host.active);
  parts.when.replaceChildren(
    ...(past
      ? [
          makeTime(incident.resolved_us, (ago) => `resolved ${ago} ago`),
          `, lasted ${span(incident.last_us - incident.started_us)}`,
        ]
      : state === 'resolving'
        ? [`lasted ${span(incident.last_us - incident.started_us)}, resolving`]
        : [makeTime(incident.started_us, (ago) => `for ${ago}`), state === 'firing' ? '' : `, ${state}`]),
  );
  const names = (past || active.length === 0 ? hosts : active).slice(0, 3).map(({ hostname }) => hostname);
  const others = hosts_total - names.length;
  const more = others > 0 ? ` and ${number.format(others)} more` : '';
  // The title names a host that is alone.
  setText(parts.hosts, hosts_total > 1 ? names.join(', ') + more : '');
  fillDetail(row);
}

function fillDetail({ details, parts, causes, incident }) {
  if (!details.open) return parts.detail.replaceChildren();
  fillCauses(causes, incident);
  parts.detail.replaceChildren(
    beginning(incident),
    causes,
    ...packets(incident),
    hostTable(incident),
    history(incident),
    facts(incident),
  );
}

/** When and where it began. */
function beginning({ started_us, hosts, hosts_total }) {
  const [first] = hosts.toSorted((a, b) => a.first_us - b.first_us);
  const began = makeTime(started_us, () => clockTime(started_us));
  const where = first
    ? `${hosts_total > 1 ? 'first ' : ''}on ${first.hostname}.`
    : 'on no host that is listed.';
  return make('p', 'beginning', 'Began ', began, ', ', make('span', 'first', where));
}

/** What the catalog says of the reason: asked once, when the incident is first looked at. */
async function fillCauses(section, { explain: path, signal }) {
  if (path === '' || section.dataset.asked === 'true') return;
  section.dataset.asked = 'true';
  try {
    const { causes = [], condition } = await get(path);
    const items = causes.map((cause, index) => causeItem(cause, index === 0));
    const command = make('code', '', `netfall explain ${signal.reason}`);
    section.replaceChildren(
      ...(condition ? [make('p', 'condition', condition)] : []),
      ...(items.length > 0 ? [make('h3', '', items.length === 1 ? 'Likely cause' : 'Likely causes')] : []),
      make('ol', '', ...items),
      make('p', 'hint', 'More in a terminal: ', command),
    );
    section.hidden = false;
  } catch {
    // The rest of the incident stands without it; the next change asks again.
    section.dataset.asked = 'false';
  }
}

/** A cause, how to know that it is this one, and what to do. */
function causeItem({ cause, tell, mend }, open) {
  const checks = tell.map(({ run, shows }) =>
    make('li', 'check', make('code', 'run', run), make('span', 'shows', shows)),
  );
  const body = make(
    'div',
    'remedy',
    make('ul', '', ...checks),
    make('p', 'mend', make('b', '', 'Mend: '), mend),
  );
  const details = make('details', 'cause', make('summary', 'cause-line', cause), body);
  details.open = open;
  return make('li', '', details);
}

/** Some of the packets that were dropped; nothing where hosts send none. */
function packets({ samples }) {
  if (samples.length === 0) return [];
  const items = samples.map((sample) => {
    const { hostname, interface: name, namespace, length } = sample;
    const place = [hostname, name, namespace, `${number.format(length)} bytes`].filter((word) => word !== '');
    const time = makeTime(sample.at_us, (ago) => `${ago} ago`);
    const facts = make('div', 'facts', ...place.map((word) => make('span', '', word)), time);
    return make('li', 'packet', make('div', '', ...flowLines(sample.flows)), facts);
  });
  const title = samples.length === 1 ? 'One of the dropped packets' : 'Some of the dropped packets';
  return [make('section', 'packets', make('h3', '', title), make('ul', '', ...items))];
}

/** Who talked to whom, a line for each depth of tunnels, the innermost first. */
function flowLines(flows) {
  return flows.toReversed().map((flow, depth) => {
    const { source, destination, protocol, detail, tunnel_id, vlans } = flow;
    const known = source !== '' || destination !== '';
    const ends = known ? `${end(source, flow.source_port)} → ${end(destination, flow.destination_port)}` : '';
    const tags = vlans.map((vlan) => `vlan ${vlan}`);
    const words = [ends, protocol, tunnel_id > 0 ? String(tunnel_id) : '', detail, ...tags];
    const text = words.filter((word) => word !== '').join(' ');
    return make('code', 'flow', depth === 0 ? text : `in ${text}`);
  });
}

/** An address with its port, IPv6 in brackets. */
function end(address, port) {
  if (port === 0) return address || '?';
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}

function hostTable({ hosts, hosts_total }) {
  const most = hosts.reduce((peak, host) => Math.max(peak, host.peak_rate), 1);
  const worst = hosts.toSorted((a, b) => Number(b.active) - Number(a.active) || b.peak_rate - a.peak_rate);
  const body = make('tbody', '', ...worst.slice(0, MOST_HOSTS).map((host) => hostRow(host, most)));
  const head = make('tr', '', heading('Host'), make('td', 'bar-cell'), heading('Peak', 'number'));
  head.append(heading('Usual', 'number'), heading('Events', 'number events'), heading('Affected'));
  const table = make('table', '', make('thead', '', head), body);
  const left = hosts_total - Math.min(hosts.length, MOST_HOSTS);
  const more = left > 0 ? make('p', 'hint', `and ${plural(left, 'more host', 'more hosts')}`) : null;
  return make('section', 'hosts-table', make('div', 'scroll', table), more);
}

function hostRow(host, most) {
  const bar = make('span', 'bar');
  bar.style.setProperty('--peak', `${(100 * host.peak_rate) / most}%`);
  bar.style.setProperty('--usual', `${Math.min(100, (100 * host.baseline_rate) / most)}%`);
  const name = make('th', '', host.hostname);
  name.scope = 'row';
  name.title = host.hostname;
  const affected = make('td', 'affected');
  if (host.active) affected.append(makeTime(host.first_us, (ago) => `for ${ago}`));
  else affected.append(makeTime(host.last_us, (ago) => `until ${ago} ago`));
  return make(
    'tr',
    host.active ? '' : 'over',
    name,
    make('td', 'bar-cell', bar),
    make('td', 'number', `${number.format(host.peak_rate)}/s`),
    make('td', 'number', `${number.format(host.baseline_rate)}/s`),
    make('td', 'number events', number.format(host.events)),
    affected,
  );
}

function history({ audit }) {
  const steps = audit.toReversed().map(({ at_us, event, detail }) => {
    const time = makeTime(at_us, () => clockTime(at_us));
    return make('li', 'step', time, make('span', '', event, make('span', 'note', detail)));
  });
  return make('section', 'history', make('h3', '', 'History'), make('ol', '', ...steps));
}

function facts({ id, fingerprint, regression_of }) {
  const list = make('dl', 'ids');
  const add = (name, value) => list.append(make('dt', '', name), make('dd', 'id', value));
  add('Incident', make('code', '', id));
  add('Fingerprint', make('code', '', fingerprint));
  if (regression_of !== '') {
    const link = make('a', '', regression_of);
    link.href = `#${encodeURIComponent(regression_of)}`;
    add('Came back after', link);
  }
  return list;
}

// --- The lists --------------------------------------------------------------------------------------------------------

function put(incident) {
  const row = rows.get(incident.id);
  if (!row) {
    rows.set(incident.id, makeRow(incident));
    return;
  }
  row.load = load;
  if (incident.version > row.incident.version) updateRow(row, incident);
}

function inOrder(states, compare) {
  return [...rows.values()].filter(({ incident }) => states.includes(incident.state)).sort(compare);
}

function worstFirst({ incident: a }, { incident: b }) {
  return (
    OPEN_STATES.indexOf(a.state) - OPEN_STATES.indexOf(b.state) ||
    SEVERITIES.indexOf(a.severity) - SEVERITIES.indexOf(b.severity) ||
    b.started_us - a.started_us ||
    (a.id < b.id ? -1 : 1)
  );
}

function newestFirst({ incident: a }, { incident: b }) {
  return b.resolved_us - a.resolved_us || (a.id < b.id ? -1 : 1);
}

function show() {
  const open = inOrder(OPEN_STATES, worstFirst);
  const past = inOrder(PAST_STATES, newestFirst);
  for (const { incident } of past.splice(MOST_PAST)) rows.delete(incident.id);
  arrange(byId('open'), open);
  arrange(byId('resolved'), past);
  byId('past').hidden = past.length === 0;
  setText(byId('open-count'), open.length === 0 ? '' : number.format(open.length));
  const firing = open.filter(({ incident }) => incident.state === 'firing').length;
  title = firing === 0 ? 'Netfall' : `(${firing}) Netfall`;
  showTitle();
  showEmpty(open.length === 0);
}

function showTitle() {
  const about = crashesTitle();
  document.title = about === '' ? title : `${title}: ${about}`;
}

function showEmpty(isEmpty) {
  byId('empty').hidden = !isEmpty || !loaded || summary === null;
  if (byId('empty').hidden) return;
  const hosts = summary.hosts.live;
  const lost = totalLost();
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

/** Shows what the address names: an incident among them all, or something of the crashes. */
function route() {
  const wasCrash = !byId('crashes').hidden;
  const isCrash = showCrashes(location.hash, showTitle);
  byId('incidents').hidden = isCrash;
  byId('crashes').hidden = !isCrash;
  for (const link of byId('views').children) {
    const isCurrent = (link.hash === '#crashes') === isCrash;
    if (isCurrent) link.setAttribute('aria-current', 'page');
    else link.removeAttribute('aria-current');
  }
  showTitle();
  if (isCrash) return;
  // What had the focus is gone: who came back goes on from the heading.
  if (wasCrash) {
    byId('open-title').focus({ preventScroll: true });
    scrollTo(0, 0);
  }
  openLinked();
}

function openLinked() {
  const row = [...rows.values()].find(
    ({ incident }) => `#${encodeURIComponent(incident.id)}` === location.hash,
  );
  if (!row) return;
  row.details.open = true;
  row.details.scrollIntoView({ block: 'nearest' });
}

// --- The fleet --------------------------------------------------------------------------------------------------------

function totalLost() {
  return summary.losses.reduce((sum, { count }) => sum + count, summary.messages_lost);
}

function showSummary() {
  const tiles = STATUSES.filter(
    (status) => summary.hosts[status] > 0 || status === 'live' || status === 'silent',
  );
  byId('fleet').replaceChildren(
    ...tiles.map((status) => {
      const count = make('dd', 'tile-count', number.format(summary.hosts[status]));
      count.dataset.status = status;
      count.dataset.none = String(summary.hosts[status] === 0);
      return make('div', 'tile', make('dt', 'tile-name', status === 'live' ? 'hosts live' : status), count);
    }),
  );
  const lost = totalLost();
  byId('ledger').hidden = false;
  setText(byId('ledger-total'), lost === 0 ? 'nothing lost' : `${number.format(lost)} lost`);
  const losses = summary.losses.filter(({ count }) => count > 0);
  if (summary.messages_lost > 0)
    losses.push({ source: 'log', hop: 'messages that never came', count: summary.messages_lost });
  byId('losses').replaceChildren(
    ...losses
      .toSorted((a, b) => b.count - a.count)
      .map(({ source, hop, count }) =>
        make(
          'tr',
          '',
          make('td', '', source),
          make('td', '', hop),
          make('td', 'number', number.format(count)),
        ),
      ),
  );
  byId('loss-table').hidden = losses.length === 0;
  byId('ledger-total').dataset.none = String(losses.length === 0);
}

async function poll() {
  try {
    summary = await get('/api/v1/summary');
    showSummary();
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

/** Reads the lists anew; what came over the stream meanwhile stays. */
async function reload() {
  const mine = ++load;
  const states = OPEN_STATES.map((state) => `state=${state}`).join('&');
  const past = PAST_STATES.map((state) => `state=${state}`).join('&');
  let cursor = '';
  do {
    const page = await get(`/api/v1/incidents?limit=200&${states}${cursor}`);
    if (mine !== load) return;
    page.incidents.forEach(put);
    cursor = page.next_cursor === null ? '' : `&cursor=${page.next_cursor}`;
  } while (cursor !== '');
  const { incidents } = await get(`/api/v1/incidents?limit=${MOST_PAST}&${past}`);
  if (mine !== load) return;
  incidents.forEach(put);
  for (const [id, row] of rows) if (row.load !== mine) rows.delete(id);
  const first = !loaded;
  loaded = true;
  show();
  if (first) openLinked();
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
    put(JSON.parse(data));
    show();
  });
}

setInterval(() => document.querySelectorAll('time').forEach(tick), 1000);
setInterval(poll, POLL_MS);
addEventListener('hashchange', route);
route();
connect();
poll();
