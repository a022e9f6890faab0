/** The fleet in numbers: hosts by status, and the loss ledger. */
import { byId, make, number, setText } from './elements.js';

const STATUSES = ['live', 'silent', 'stopped', 'conflict'];

export function totalLost({ losses, messages_lost }) {
  return losses.reduce((sum, { count }) => sum + count, messages_lost);
}

export function showFleet(summary) {
  const tiles = STATUSES.filter(
    (status) => summary.hosts[status] > 0 || status === 'live' || status === 'silent',
  );
  byId('fleet').replaceChildren(
    ...tiles.map((status) => {
      const count = make('dd', 'tile-count', number.format(summary.hosts[status]));
      count.dataset.status = status;
      count.dataset.none = String(summary.hosts[status] === 0);
      return make('div', 'tile', make('dt', 'tile-name', status === 'live' ? 'hosts live' : status), count);
    }),
  );
  const lost = totalLost(summary);
  byId('ledger').hidden = false;
  setText(byId('ledger-total'), lost === 0 ? 'nothing lost' : `${number.format(lost)} lost`);
  const losses = summary.losses.filter(({ count }) => count > 0);
  if (summary.messages_lost > 0)
    losses.push({ source: 'log', hop: 'messages that never came', count: summary.messages_lost });
  byId('losses').replaceChildren(
    ...losses
      .toSorted((a, b) => b.count - a.count)
      .map(({ source, hop, count }) =>
        make(
          'tr',
          '',
          make('td', '', source),
          make('td', '', hop),
          make('td', 'number', number.format(count)),
        ),
      ),
  );
  byId('loss-table').hidden = losses.length === 0;
  byId('ledger-total').dataset.none = String(losses.length === 0);
}
