/** Rows of crashes, and of what crashed: each leads to its own view. Made once each, and then brought up to date. */
import { make, makeTime, number, plural, setText } from './elements.js';
import { rowOf } from './parts.js';

/** Said of rows whose reading is corrupted. */
const DOUBT = 'not to be trusted';

export function groupRow(group) {
  const parts = rowOf(`#crashes/${encodeURIComponent(group.signature)}`);
  const count = make('span', 'crash-count');
  const hosts = make('span', 'hosts');
  const kernels = make('span', 'kernels');
  const last = make('span', 'when');
  const first = make('span', 'when');
  const doubt = make('span', 'doubtful');
  parts.facts.append(doubt, count, hosts, kernels, last, first);
  return {
    item: parts.item,
    update: ({ title, corrupted, ...one }) => {
      badge(parts, one.fatal > 0 ? 'fatal' : 'survived', one.fatal === 0);
      setText(parts.title, title);
      setText(doubt, corrupted ? DOUBT : '');
      setText(count, plural(one.crashes, 'crash', 'crashes'));
      const hostNames = one.hosts.map(({ name }) => name);
      setText(hosts, `on ${some(hostNames, 2, one.hosts_total)}`);
      setText(
        kernels,
        some(
          one.kernels.map(({ name }) => name),
          1,
        ),
      );
      setTime(last, one.last_us, (ago) => `last ${ago} ago`);
      setTime(first, one.crashes > 1 ? one.first_us : 0, (ago) => `first ${ago} ago`);
    },
  };
}

export function crashRow(crash) {
  const parts = rowOf(`#crash/${encodeURIComponent(crash.id)}`);
  const when = make('span', 'when');
  const kernel = make('span', 'kernels');
  const process = make('span', '');
  const log = make('span', '');
  const doubt = make('span', 'doubtful');
  parts.facts.append(doubt, when, kernel, process, log);
  return {
    item: parts.item,
    update: (one, { survivedKinds }) => {
      badge(parts, one.kind, survivedKinds.has(one.kind));
      setText(parts.title, hostOf(one));
      setText(parts.meaning, one.reading === null ? one.line || 'What happened has not been seen yet.' : '');
      setTime(when, one.at_us, (ago) => `${ago} ago`);
      setText(doubt, one.reading?.corrupted ? DOUBT : '');
      setText(kernel, one.kernel);
      setText(process, one.reading?.process ?? '');
      setText(log, logState(one));
    },
  };
}

/** How much of a log there is, and by whom. */
function logState({ records, best }) {
  const record = records[best ?? -1];
  if (record === undefined) return 'no log yet';
  const holes = record.holes.length + record.unlisted_holes;
  const lacks = holes > 0 ? plural(holes, 'hole', 'holes') : 'in part';
  return `log ${record.complete ? 'whole' : lacks}, by ${record.source}`;
}

/** What it was, and by its colour whether a kernel lives on after that; nothing where nobody knows. */
function badge({ item, badge: mark }, words, survived) {
  mark.hidden = words === '';
  item.dataset.severity = words === '' ? '' : survived ? 'warning' : 'critical';
  setText(mark, words);
}

function setTime(place, us, phrase) {
  if (place.dataset.us === String(us)) return;
  place.dataset.us = String(us);
  place.replaceChildren(...(us === 0 ? [] : [makeTime(us, phrase)]));
}

function some(names, most, total = names.length) {
  const shown = names.slice(0, most);
  const more = total - shown.length;
  return shown.join(', ') + (more > 0 ? ` and ${number.format(more)} more` : '');
}

/** The host's name, or the address that it was heard from. */
export function hostOf({ hostname, host_id, records }) {
  return (
    hostname ||
    host_id ||
    `heard from ${records.find(({ sender }) => sender !== '')?.sender ?? 'nobody known'}`
  );
}
