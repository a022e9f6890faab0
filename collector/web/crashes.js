/**
 * The crashes' part of the page: crashes by signature, those of one signature, and the way to one crash. Which of these is
 * shown stands in the address: #crashes, #crashes/SIGNATURE, #crash/ID. Each asks anew every ten seconds while it is shown,
 * and changes only what has changed.
 */
import { crashView } from './crash.js';
import { fact, hostOf } from './crash-parts.js';
import { crashWords, taintMeanings } from './crash-words.js';
import { arrange, byId, get, make, makeTime, number, plural, setText } from './elements.js';

const POLL_MS = 10_000;
/** Signatures, and crashes of one, that are asked for at a time; and crashes that have none. */
const PAGE = 100;
const MOST_UNREAD = 20;

/** What is shown: { hash, element, heading, state, load, show, titled, shown }; null while it is something else than crashes. */
let view = null;

/**
 * Shows what an address names, or nothing for one that is not of crashes. Returns whether it is.
 * @param titled is called when there may be another {@link crashesTitle}
 */
export function showCrashes(hash, titled) {
  const [kind, name = ''] = hash.slice(1).split('/');
  if (kind !== 'crashes' && kind !== 'crash') {
    view = null;
    byId('crashes').replaceChildren();
    return false;
  }
  if (view?.hash === hash) return true;
  const key = decoded(name);
  const made = kind === 'crash' ? crashView(key) : key === '' ? groupsView() : groupView(key);
  view = { ...made, hash, titled, shown: false };
  byId('crashes').replaceChildren(view.element);
  setText(view.state, 'Loading …');
  // Who came by a link goes on from the heading, by keyboard or with a screen reader.
  view.heading.tabIndex = -1;
  view.heading.focus({ preventScroll: true });
  scrollTo(0, 0);
  refresh();
  return true;
}

/** What the window is called meanwhile; empty when that is not about crashes. */
export function crashesTitle() {
  return view === null ? '' : view.heading.textContent;
}

function decoded(name) {
  try {
    return decodeURIComponent(name);
  } catch {
    return name;
  }
}

async function refresh() {
  const mine = view;
  if (mine === null) return;
  try {
    const data = await mine.load();
    if (mine !== view) return;
    setText(mine.state, '');
    mine.show(data);
    mine.shown = true;
    mine.titled();
  } catch (error) {
    if (mine !== view) return;
    const why = error instanceof TypeError ? 'the collector does not answer' : error.message;
    setText(mine.state, `${mine.shown ? 'What is shown may be old' : 'This cannot be shown'}: ${why}.`);
  }
}

setInterval(refresh, POLL_MS);

// --- Crashes by signature ---------------------------------------------------------------------------------------------

function groupsView() {
  const count = make('span', 'count');
  const heading = make('h2', '', 'Crashes ', count);
  const about = make('p', 'hint', 'Each once: crashes that share a signature are of one bug.');
  const state = make('p', 'state');
  state.setAttribute('role', 'status');
  const list = make('ul', 'incidents');
  const more = make('p', 'hint');
  const unread = make('ul', 'incidents');
  const unreadPart = make(
    'section',
    '',
    make('h2', '', 'Without a signature'),
    make('p', 'hint', 'Their logs have not come yet, or tell of no crash.'),
    unread,
  );
  unreadPart.hidden = true;
  const empty = emptyNote(
    'No crashes.',
    'Kernels that die are heard by netoops and netconsole, and found again by kmsg, pstore and kdump after the reboot.',
  );
  const rows = new Map();
  const unreadRows = new Map();
  return {
    element: make('section', '', heading, about, state, empty, list, more, unreadPart),
    heading,
    state,
    load: async () => {
      const [page, latest, words] = await Promise.all([
        get(`/api/v1/crashes/signatures?limit=${PAGE}`),
        get(`/api/v1/crashes?limit=${PAGE}`),
        crashWords(),
      ]);
      return { ...page, words, crashes: latest.crashes.filter(({ reading }) => reading === null) };
    },
    show: ({ groups, next_cursor, crashes, words }) => {
      const few = crashes.slice(0, MOST_UNREAD);
      arrange(
        list,
        keyed(rows, groups, ({ signature }) => signature, groupRow, words.types),
      );
      arrange(
        unread,
        keyed(unreadRows, few, ({ id }) => id, crashRow),
      );
      setText(more, next_cursor === null ? '' : `The ${PAGE} newest; netfall crashes signatures lists more.`);
      unreadPart.hidden = few.length === 0;
      empty.hidden = groups.length > 0 || few.length > 0;
      about.hidden = groups.length === 0;
      setText(count, groups.length === 0 ? '' : number.format(groups.length));
    },
  };
}

function groupRow(group) {
  const parts = rowOf(`#crashes/${encodeURIComponent(group.signature)}`);
  const count = make('span', 'crash-count');
  const hosts = make('span', 'hosts');
  const kernels = make('span', 'kernels');
  const last = make('span', 'when');
  const first = make('span', 'when');
  parts.facts.append(count, hosts, kernels, last, first);
  return {
    item: parts.item,
    update: ({ title, type, corrupted, ...one }, types) => {
      badge(parts, types[type]);
      setText(parts.title, title);
      setText(parts.meaning, corrupted ? 'No report of it is to be trusted.' : '');
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

// --- The crashes of a signature ---------------------------------------------------------------------------------------

function groupView(signature) {
  const heading = make('h2', 'title', 'Crashes');
  const state = make('p', 'state');
  state.setAttribute('role', 'status');
  const meaning = make('p', '');
  const facts = make('dl', 'crash-facts');
  const list = make('ul', 'incidents');
  const more = make('p', 'hint');
  const rows = new Map();
  const back = make('a', 'back', 'All crashes');
  back.href = '#crashes';
  return {
    element: make('section', '', back, heading, state, meaning, facts, list, more),
    heading,
    state,
    load: async () => {
      const named = encodeURIComponent(signature);
      const [{ groups }, page, words] = await Promise.all([
        get(`/api/v1/crashes/signatures?signature=${named}`),
        get(`/api/v1/crashes?signature=${named}&limit=${PAGE}`),
        crashWords(),
      ]);
      return { group: groups[0], words, ...page };
    },
    show: ({ group, crashes, next_cursor, words }) => {
      if (group === undefined) {
        setText(state, `No crash that is kept has the signature ${signature}.`);
      } else {
        setText(heading, group.title);
        setText(meaning, words.types[group.type]?.meaning ?? '');
        facts.replaceChildren(...groupFacts(group, words));
      }
      arrange(
        list,
        keyed(rows, crashes, ({ id }) => id, crashRow),
      );
      const command = make('code', '', `netfall crashes list --signature ${signature}`);
      more.replaceChildren(...(next_cursor === null ? [] : [`The ${PAGE} newest. More: `, command]));
    },
  };
}

function groupFacts({ crashes, hosts, hosts_total, kernels, taints, hardware, ...group }, words) {
  const shares = (all, total, phrase = (name) => name) => {
    const items = all.map(({ name, crashes: count }) =>
      make(
        'li',
        '',
        phrase(name),
        make('span', 'over', count === crashes ? ' all' : ` ${number.format(count)}`),
      ),
    );
    if (total > all.length) items.push(make('li', 'over', `and ${number.format(total - all.length)} more`));
    return make('ul', '', ...items);
  };
  const taint = (flags) =>
    flags === '' ? 'not tainted' : `${flags}: ${taintMeanings(flags, words).join('; ')}`;
  return [
    fact('Hosts', shares(hosts, hosts_total)),
    fact('Kernels', shares(kernels, kernels.length)),
    fact('Taint', shares(taints, taints.length, taint)),
    fact('Machines', shares(hardware, hardware.length)),
    fact('Signature', make('code', '', group.signature), make('span', 'over', ` of “${group.bug}”`)),
  ];
}

// --- Rows -------------------------------------------------------------------------------------------------------------

function crashRow(crash) {
  const parts = rowOf(`#crash/${encodeURIComponent(crash.id)}`);
  const when = make('span', 'when');
  const kernel = make('span', 'kernels');
  const process = make('span', '');
  const log = make('span', '');
  parts.facts.append(when, kernel, process, log);
  return {
    item: parts.item,
    update: (one) => {
      parts.badge.hidden = true;
      setText(parts.title, hostOf(one));
      setText(parts.meaning, one.reading === null ? one.line || 'What happened has not been seen yet.' : '');
      setTime(when, one.at_us, (ago) => `${ago} ago`);
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

/** A row that leads somewhere. */
function rowOf(href) {
  const parts = {
    badge: make('span', 'badge'),
    title: make('span', 'title'),
    meaning: make('span', 'meaning'),
    facts: make('span', 'facts'),
  };
  const link = make('a', 'line', parts.badge, make('span', 'what', parts.title, parts.meaning, parts.facts));
  link.href = href;
  return { ...parts, item: make('li', 'incident', link) };
}

/** Whether a kernel usually lives on after it. */
function badge({ item, badge: mark }, type) {
  const survived = type?.survived ?? false;
  item.dataset.severity = survived ? 'warning' : 'critical';
  setText(mark, survived ? 'survived' : 'fatal');
}

function setTime(place, us, phrase) {
  if (place.dataset.us === String(us)) return;
  place.dataset.us = String(us);
  place.replaceChildren(...(us === 0 ? [] : [makeTime(us, phrase)]));
}

/** Rows for things, in their order: made once each, and then brought up to date. */
function keyed(rows, things, keyOf, makeOne, ...rest) {
  const keys = new Set(things.map(keyOf));
  for (const key of rows.keys()) if (!keys.has(key)) rows.delete(key);
  return things.map((thing) => {
    const key = keyOf(thing);
    const row = rows.get(key) ?? makeOne(thing);
    rows.set(key, row);
    row.update(thing, ...rest);
    return row;
  });
}

function some(names, most, total = names.length) {
  const shown = names.slice(0, most);
  const more = total - shown.length;
  return shown.join(', ') + (more > 0 ? ` and ${number.format(more)} more` : '');
}

function emptyNote(title, detail) {
  const note = make('div', 'empty', make('p', 'empty-title', title), make('p', 'empty-detail', detail));
  note.hidden = true;
  return note;
}
