/** What views have in common. What is shown is not known here. */
import { make } from './elements.js';

/** A label and what stands beside it. */
export function fact(name, ...values) {
  return make('div', 'fact', make('dt', '', name), make('dd', '', ...values));
}

/** The line that says what a view waits for, or why it shows nothing. */
export function statusLine() {
  const line = make('p', 'state');
  line.setAttribute('role', 'status');
  return line;
}

/** What is not to be trusted or does not fit together, a line each; nothing when there is none. */
export function notices(lines) {
  return lines.length === 0 ? [] : [make('ul', 'notice', ...lines.map((line) => make('li', '', line)))];
}

/** Makes an element's children anew when what they are made of has changed: else a selection in them would be lost. */
export function renew(element, data, childrenOf) {
  const key = JSON.stringify(data);
  if (element.madeOf === key) return;
  element.madeOf = key;
  element.replaceChildren(...childrenOf());
}

/** A row that leads somewhere. */
export function rowOf(href) {
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

/** Rows for things, in their order: made once each, and then brought up to date. */
export function keyed(rows, things, keyOf, makeOne, ...rest) {
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
