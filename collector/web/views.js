/**
 * What has a page of its own: an incident, a crash, crashes of one signature, and crashes by signature. Which of these is shown
 * stands in the address: #incident/ID, #crash/ID, #crashes/SIGNATURE, #crashes. Each asks anew every ten seconds while it is
 * shown, and changes only what has changed.
 */
import { crashView } from './crash.js';
import { groupsView, groupView } from './crash-groups.js';
import { byId, reasonOf, setText } from './elements.js';
import { incidentView } from './incident.js';

const POLL_MS = 10_000;

/**
 * What is shown; null while it is the list of incidents. A view is { element, heading, state, absent, load, show }, absent said
 * when nothing can have its name; it may have `hears`, which is told of incidents as they change. Added to it are hash, titled,
 * loading and shown.
 */
let view = null;
let timer = 0;

/**
 * Shows what an address names, or nothing for one that names no view. Returns whether it does.
 * @param titled is called when there may be another {@link viewTitle}
 */
export function showView(hash, titled) {
  const made = view?.hash === hash ? view : viewOf(hash);
  if (made === view && view !== null) return true;
  view = made && { ...made, hash, titled, loading: false, shown: false };
  byId('view').replaceChildren(...(view ? [view.element] : []));
  // What is hidden takes no focus.
  byId('view').hidden = view === null;
  if (view === null) return false;
  setText(view.state, 'Loading …');
  // Who came by a link goes on from the heading, by keyboard or with a screen reader.
  view.heading.tabIndex = -1;
  view.heading.focus({ preventScroll: true });
  scrollTo(0, 0);
  refresh();
  return true;
}

function viewOf(hash) {
  const [kind, name = ''] = hash.slice(1).split('/');
  const key = decoded(name);
  if (kind === 'incident' && key !== '') return incidentView(key);
  // Messages of earlier releases lead to incidents by their id alone.
  if (/^i\d+-\d+$/.test(kind)) return incidentView(kind);
  if (kind === 'crash' && key !== '') return crashView(key);
  if (kind !== 'crashes' && kind !== 'crash') return null;
  return key === '' ? groupsView() : groupView(key);
}

/** What the window is called meanwhile; empty while it is the list of incidents. */
export function viewTitle() {
  return view === null ? '' : view.heading.textContent;
}

/** An incident changed. */
export function tellView(incident) {
  if (view?.shown) view.hears?.(incident);
  view?.titled();
}

function decoded(name) {
  try {
    return decodeURIComponent(name);
  } catch {
    return name;
  }
}

/** Asks anew, and again after a while, but not while nobody looks. */
async function refresh() {
  const mine = view;
  clearTimeout(timer);
  if (mine === null || mine.loading || (document.hidden && mine.shown)) return;
  mine.loading = true;
  try {
    const data = await mine.load();
    if (mine !== view) return;
    setText(mine.state, '');
    mine.show(data);
    mine.shown = true;
    mine.titled();
  } catch (error) {
    if (mine !== view) return;
    // The API's own words hold patterns of names: those are for programs.
    const why = error.code === 'invalid_request' ? mine.absent : reasonOf(error);
    setText(mine.state, `${mine.shown ? 'What is shown may be old' : 'This cannot be shown'}: ${why}.`);
  }
  mine.loading = false;
  timer = setTimeout(refresh, POLL_MS);
}

document.addEventListener('visibilitychange', refresh);
