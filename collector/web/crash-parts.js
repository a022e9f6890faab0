/** What the views of crashes have in common. */
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

/** The host's name, or the address that it was heard from. */
export function hostOf({ hostname, host_id, records }) {
  return (
    hostname ||
    host_id ||
    `heard from ${records.find(({ sender }) => sender !== '')?.sender ?? 'nobody known'}`
  );
}
