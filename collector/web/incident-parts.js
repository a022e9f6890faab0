/** What the list of incidents and an incident's own page have in common. */
import { make, setText } from './elements.js';

const OVER = ['resolved', 'closed', 'merged'];

/** Whether its trouble is over, as far as that can be said. */
export function isOver({ state }) {
  return OVER.includes(state);
}

/** How bad it is, or that it is over: in words, and by colour. */
export function badgeOf(item, badge, incident) {
  const { severity, state } = incident;
  item.dataset.severity = severity;
  item.dataset.state = state;
  item.dataset.quiet = String(incident.suppressed !== null);
  setText(badge, state === 'merged' ? 'merged' : isOver(incident) ? 'resolved' : severity);
}

/**
 * What sets it apart from others, each as makeMark(what, ...words) makes it: who takes care of it, why nobody is told, what it
 * repeats.
 */
export function marksOf({ acknowledged, suppressed, cause, regression_of, merged_into, loops }, makeMark) {
  const marks = [];
  if (acknowledged) marks.push(makeMark('good', `acknowledged by ${acknowledged.by || 'somebody'}`));
  if (suppressed?.by === 'silence') marks.push(makeMark('quiet', 'silenced'));
  if (suppressed?.by === 'maintenance') marks.push(makeMark('quiet', 'in maintenance'));
  if (cause) marks.push(makeMark('quiet', `comes of ${cause.incident_id}`));
  if (loops.length > 0) marks.push(makeMark('bad', 'crash loop'));
  if (regression_of !== '') marks.push(makeMark('bad', 'regression'));
  if (merged_into !== '') marks.push(makeMark('quiet', `into ${merged_into}`));
  return marks;
}

/** A link to an incident. */
export function incidentLink(id) {
  const link = make('a', '', id);
  link.href = `#incident/${encodeURIComponent(id)}`;
  return link;
}

/** What a signal is called among others. */
export function signalName(signal) {
  if (signal.kind === 'drop')
    return signal.function === '' ? signal.reason : `${signal.reason} in ${signal.function}`;
  if (signal.kind === 'counter') return signal.counter;
  if (signal.kind === 'crash') return signal.title || 'a crash';
  return signal.kind;
}
