/**
 * The list of incidents: what is open, the worst first, and what is over. A row is made once and then brought up to date, so
 * that what has the focus keeps it. Where incidents come from is not known here.
 */
import { arrange, byId, make, makeTime, number, plural, setText, span } from './elements.js';
import { badgeOf, marksOf } from './incident-parts.js';
import { rowOf } from './parts.js';

export const OPEN_STATES = ['firing', 'acknowledged', 'resolving'];
export const PAST_STATES = ['resolved', 'closed'];
const SEVERITIES = ['critical', 'warning', 'info'];
/** What is shown of the past at most. */
export const MOST_PAST = 50;

/** Rows by incident id: { incident, item, update, load }. */
const rows = new Map();
/** Counts loads, so that an incident that came over the stream during one is not taken for an old one. */
let load = 0;

/** The lists are being read anew. Returns which time that is. */
export function startLoad() {
  return ++load;
}

/** Whether that is the newest time, still. */
export function isLoad(mine) {
  return mine === load;
}

/** All that is there was put since the load began: what is left is gone. */
export function endLoad(mine) {
  for (const [id, row] of rows) if (row.load !== mine) rows.delete(id);
}

/** Takes an incident as it is now, or as it was: of two copies the newer one counts. */
export function put(incident) {
  if (!OPEN_STATES.includes(incident.state) && !PAST_STATES.includes(incident.state)) {
    rows.delete(incident.id);
    return;
  }
  const row = rows.get(incident.id) ?? incidentRow(incident);
  rows.set(incident.id, row);
  row.load = load;
  if (row.incident === null || incident.version > row.incident.version) row.update(incident);
}

function incidentRow({ id }) {
  const parts = rowOf(`#incident/${encodeURIComponent(id)}`);
  const hosts = make('span', 'hosts');
  const when = make('span', 'when');
  const marks = make('span', 'marks');
  parts.facts.append(hosts, when, marks);
  parts.item.id = id;
  const row = { item: parts.item, incident: null, load };
  row.update = (incident) => {
    row.incident = incident;
    badgeOf(parts.item, parts.badge, incident);
    setText(parts.title, incident.title);
    setText(parts.meaning, incident.meaning);
    setText(hosts, hostsOf(incident));
    when.replaceChildren(...whenOf(incident));
    marks.replaceChildren(...marksOf(incident, (_, ...words) => make('span', '', ...words)));
  };
  return row;
}

/** How many hosts, of those that have the same in common; a host that is alone is in the title. */
function hostsOf({ explanation, hosts_total }) {
  if (explanation?.items.length > 0)
    return `${number.format(explanation.affected)}/${number.format(explanation.covered)} hosts`;
  return plural(hosts_total, 'host', 'hosts');
}

function whenOf({ state, started_us, last_us, resolved_us }) {
  const lasted = `lasted ${span(last_us - started_us)}`;
  if (PAST_STATES.includes(state))
    return [makeTime(resolved_us, (ago) => `resolved ${ago} ago`), `, ${lasted}`];
  return state === 'resolving' ? [`${lasted}, resolving`] : [makeTime(started_us, (ago) => `for ${ago}`)];
}

function inOrder(states, compare) {
  return [...rows.values()].filter(({ incident }) => states.includes(incident.state)).sort(compare);
}

/** What nobody is told of comes last. */
function worstFirst({ incident: a }, { incident: b }) {
  return (
    Number(a.suppressed !== null) - Number(b.suppressed !== null) ||
    OPEN_STATES.indexOf(a.state) - OPEN_STATES.indexOf(b.state) ||
    SEVERITIES.indexOf(a.severity) - SEVERITIES.indexOf(b.severity) ||
    b.started_us - a.started_us ||
    (a.id < b.id ? -1 : 1)
  );
}

function newestFirst({ incident: a }, { incident: b }) {
  return b.resolved_us - a.resolved_us || (a.id < b.id ? -1 : 1);
}

/** Shows the lists. Returns how many are open, and how many of these fire with people told of it. */
export function showIncidents() {
  const open = inOrder(OPEN_STATES, worstFirst);
  const past = inOrder(PAST_STATES, newestFirst);
  for (const { incident } of past.splice(MOST_PAST)) rows.delete(incident.id);
  arrange(byId('open'), open);
  arrange(byId('resolved'), past);
  byId('past').hidden = past.length === 0;
  setText(byId('open-count'), open.length === 0 ? '' : number.format(open.length));
  const firing = open.filter(({ incident }) => incident.state === 'firing' && incident.suppressed === null);
  return { open: open.length, firing: firing.length };
}
