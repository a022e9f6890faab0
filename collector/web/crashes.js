/**
 * The crashes' part of the page: crashes by signature, those of one signature, and the way to one crash. Which of these is
 * shown stands in the address: #crashes, #crashes/SIGNATURE, #crash/ID. Each asks anew every ten seconds while it is shown,
 * and changes only what has changed.
 */
import { crashView } from './crash.js';
import { groupsView, groupView } from './crash-groups.js';
import { byId, reasonOf, setText } from './elements.js';

const POLL_MS = 10_000;

/**
 * What is shown; null while it is something else than crashes. A view is { element, heading, state, absent, load, show },
 * absent said when no crash can have its name. Added to it are hash, titled, loading and shown.
 */
let view = null;
let timer = 0;

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
  const made = key === '' ? groupsView() : kind === 'crash' ? crashView(key) : groupView(key);
  view = { ...made, hash, titled, loading: false, shown: false };
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
