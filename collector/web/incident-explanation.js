/** Why these hosts and no others: how many of those that share something are affected, against all others. */
import { make, number, percent, plural } from './elements.js';

const MOST_EQUAL = 6;
const MOST_RIVALS = 3;

/** Nothing where nothing is known that an incident's hosts have in common. */
export function explanationOf({ explanation, unexplained }) {
  if (explanation === null) return [];
  const { items, affected, covered, others, others_affected, equivalents, rivals } = explanation;
  const rows = [share(names(items), affected, covered, 'explained')];
  if (others > 0) rows.push(share('all other hosts', others_affected, others, 'control'));
  const equal = equivalents.slice(0, MOST_EQUAL).map((same) => make('li', '', names(same)));
  const more = equivalents.length - equal.length;
  if (more > 0) equal.push(make('li', 'over', `and ${number.format(more)} more`));
  return [
    make(
      'section',
      'explanation card',
      make('h3', '', 'What they have in common'),
      make('div', 'shares', ...rows),
      numbers(explanation),
      ...(equal.length === 0
        ? []
        : [
            make('div', 'alternative', make('h4', '', 'Just as well'), make('ul', 'names', ...equal)),
            make(
              'p',
              'hint',
              'These are exactly the same hosts: nothing that was seen tells one from the other.',
            ),
          ]),
      ...rivals.slice(0, MOST_RIVALS).map((rival) => rivalOf(rival, items)),
      left(unexplained),
    ),
  ];
}

/** A bar of affected hosts in those that are compared. */
function share(name, part, whole, kind) {
  const bar = make('span', 'share-bar');
  // What is not nothing is to be seen.
  bar.style.setProperty('--share', `${part === 0 ? 0 : Math.max(0.5, (100 * part) / Math.max(1, whole))}%`);
  return make(
    'div',
    `share ${kind}`,
    make('span', 'share-name', name),
    bar,
    make('span', 'share-count', `${number.format(part)} of ${number.format(whole)}`),
    make('span', 'share-percent', percent(part, whole)),
  );
}

function numbers({ support_ppm, lift_milli, risk_ratio_milli }) {
  const all = make('p', 'hint numbers');
  const add = (words, title) => {
    const span = make('span', '', words);
    span.title = title;
    all.append(span);
  };
  add(
    `${percent(support_ppm, 1_000_000)} of all affected hosts`,
    'support: how many of the affected hosts it covers',
  );
  add(
    `${times(lift_milli)} the fleet’s rate`,
    'lift: how many times likelier trouble is here than in the fleet',
  );
  add(
    `${times(risk_ratio_milli)} the others’`,
    'risk ratio: how many times likelier trouble is here than among all others',
  );
  return all;
}

/** What explains it nearly as well, and the hosts that would tell. */
function rivalOf({ items, affected, covered, without, beyond }, own) {
  const tell = (hosts, has, lacks) =>
    hosts.length === 0
      ? null
      : make(
          'p',
          'hint',
          make('code', '', hosts.join(' ')),
          ` ${verb(hosts)} ${words(has)}, not ${words(lacks)}.`,
        );
  return make(
    'div',
    'alternative',
    make('h4', '', 'Nearly as well'),
    make('div', 'shares', share(names(items), affected, covered, 'rival')),
    tell(without, own, items),
    tell(beyond, items, own),
  );
}

function verb(hosts) {
  return hosts.length === 1 ? 'has' : 'have';
}

function left({ total, hosts }) {
  if (total === 0) return null;
  const more = total - hosts.length;
  const rest = more > 0 ? ` and ${number.format(more)} more` : '';
  return make(
    'p',
    'hint unexplained',
    `It does not explain ${plural(total, 'host', 'hosts')}: `,
    make('code', '', hosts.join(' ')),
    `${rest}.`,
  );
}

/** Attributes with their values, apart from each other. */
function names(items) {
  if (items.length === 0) return make('span', '', 'the whole fleet');
  return make(
    'span',
    'items',
    ...items.map(({ attribute, value }) =>
      make('span', 'item', make('span', 'attribute', attribute), ' ', make('b', '', value)),
    ),
  );
}

function words(items) {
  return items.map(({ attribute, value }) => `${attribute} ${value}`).join(' + ') || 'the whole fleet';
}

/** Thousandths as a factor. */
function times(milli) {
  const factor = milli / 1000;
  return `${number.format(factor >= 10 ? Math.round(factor) : Math.round(factor * 10) / 10)}×`;
}
