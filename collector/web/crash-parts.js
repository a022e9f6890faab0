/** What the views of crashes have in common. */
import { make } from './elements.js';

/** A label and what stands beside it. */
export function fact(name, ...values) {
  return make('div', 'fact', make('dt', '', name), make('dd', '', ...values));
}

/** The host's name, or the address that it was heard from. */
export function hostOf({ hostname, host_id, records }) {
  return (
    hostname ||
    host_id ||
    `heard from ${records.find(({ sender }) => sender !== '')?.sender ?? 'nobody known'}`
  );
}
