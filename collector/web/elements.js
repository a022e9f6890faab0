/**
 * What the page's views are made with. Whatever comes from hosts is only ever set as text. What is shown is not known here.
 */

export const byId = (id) => document.getElementById(id);
const english = new Intl.NumberFormat('en');
/** Digits in groups of three, as the collector's own sentences have them. */
export const number = { format: (count) => english.format(count).replaceAll(',', '\u00a0') };
const clock = new Intl.DateTimeFormat(undefined, { timeStyle: 'medium' });
const moment = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'medium' });

/** An element with classes, text and children; text is text, whatever is in it. */
export function make(tag, className = '', ...children) {
  const element = document.createElement(tag);
  if (className !== '') element.className = className;
  element.append(...children.filter((child) => child !== null));
  return element;
}

export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** A moment, shown by `phrase(how long ago)`, with the moment itself on hover. */
export function makeTime(us, phrase) {
  const time = make('time');
  const at = new Date(us / 1000);
  time.dateTime = at.toISOString();
  time.title = moment.format(at);
  time.dataset.us = String(us);
  time.phrase = phrase;
  tick(time);
  return time;
}

export function tick(time) {
  setText(time, time.phrase(span(Date.now() * 1000 - Number(time.dataset.us))));
}

/** The time of day, with the date unless that is today's. */
export function clockTime(us) {
  const at = new Date(us / 1000);
  return at.toDateString() === new Date().toDateString() ? clock.format(at) : moment.format(at);
}

/** A length of time in its largest unit, or two of them. */
export function span(us) {
  const seconds = Math.max(0, Math.floor(us / 1e6));
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return minutes % 60 === 0 ? `${hours} h` : `${hours} h ${minutes % 60} min`;
  const days = Math.floor(hours / 24);
  return hours % 24 === 0 ? `${days} d` : `${days} d ${hours % 24} h`;
}

/** A share in percent; what is not nothing is not called nothing. */
export function percent(part, whole) {
  const hundredths = whole === 0 ? 0 : Math.round((part / whole) * 10_000) / 100;
  return `${part > 0 && hundredths === 0 ? '<\u00a00.01' : hundredths}\u00a0%`;
}

export function plural(count, one, many) {
  return `${number.format(count)} ${count === 1 ? one : many}`;
}

export function heading(text, className = '') {
  const cell = make('th', className, text);
  cell.scope = 'col';
  return cell;
}

/** Brings a list into order, moving only what is out of place. */
export function arrange(list, ordered) {
  ordered.forEach(({ item }, index) => {
    if (list.children[index] !== item) list.insertBefore(item, list.children[index] ?? null);
  });
  while (list.children.length > ordered.length) list.lastChild.remove();
}

/** What a path of the API has. Throws Error with the API's own words and its code. */
export async function get(path) {
  const response = await fetch(path);
  if (response.ok) return response.json();
  const answer = await response.json().catch(() => null);
  throw Object.assign(new Error(answer?.error?.message ?? `${path} answered ${response.status}`), {
    code: answer?.error?.code ?? '',
  });
}

/** Why an answer did not come, in words for people. */
export function reasonOf(error) {
  return error instanceof TypeError ? 'the collector does not answer' : error.message;
}
