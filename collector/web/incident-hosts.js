/** An incident's hosts, the worst first, and a field that leaves only those whose names have some letters. */
import { heading, make, makeTime, number, plural, setText } from './elements.js';

/** What is shown at first, and at most. */
const FEW = 20;
const MOST_HOSTS = 500;
/** From so many on there is a field to look for one. */
const MANY = 8;

/** Made once, so that what was typed stays: { element, show(incident) }. */
export function hostTable() {
  const field = make('input', 'filter');
  field.type = 'search';
  field.placeholder = 'Filter hosts';
  field.setAttribute('aria-label', 'Filter hosts by name');
  const title = make('h3', '', 'Hosts');
  const head = make('thead');
  const body = make('tbody');
  const more = make('p', 'hint');
  const all = make('button', 'more');
  let most = FEW;
  const table = make('div', 'scroll', make('table', '', head, body));
  let incident = null;
  const fill = () => {
    const { hosts, hosts_total, signal } = incident;
    const columns = columnsOf(signal, hosts);
    const wanted = field.value.trim().toLowerCase();
    const found = hosts.filter(({ hostname, host_id }) =>
      `${hostname}\n${host_id}`.toLowerCase().includes(wanted),
    );
    const shown = found.toSorted(worstFirst).slice(0, most);
    field.hidden = hosts.length < MANY;
    head.replaceChildren(make('tr', '', heading('Host'), ...columns.map(({ head }) => head())));
    body.replaceChildren(...shown.map((host) => hostRow(host, columns)));
    const rest = Math.min(found.length, MOST_HOSTS) - shown.length;
    all.hidden = rest <= 0;
    setText(all, `Show ${number.format(rest)} more`);
    const unlisted = hosts_total - Math.min(hosts.length, MOST_HOSTS);
    const hints = [
      wanted !== '' && found.length === 0 ? 'No host that is listed has that in its name.' : '',
      unlisted > 0 ? `${plural(unlisted, 'host is', 'hosts are')} not listed.` : '',
    ];
    setText(more, hints.filter((hint) => hint !== '').join(' '));
  };
  field.addEventListener('input', fill);
  all.addEventListener('click', () => {
    most = MOST_HOSTS;
    fill();
  });
  return {
    element: make('section', 'hosts-table', make('div', 'section-head', title, field), table, all, more),
    show: (one) => {
      incident = one;
      fill();
    },
  };
}

function worstFirst(a, b) {
  return (
    Number(b.active) - Number(a.active) ||
    b.crashes - a.crashes ||
    b.peak_rate - a.peak_rate ||
    a.first_us - b.first_us
  );
}

/** A column is { head(), cell(host) }. */
function columnsOf(signal, hosts) {
  const rated = hosts.some(({ events }) => events > 0);
  const crashed = hosts.some(({ crashes }) => crashes > 0);
  const most = hosts.reduce((peak, host) => Math.max(peak, host.peak_rate), 1);
  return [
    ...(crashed ? [count('Crashes', 'number', ({ crashes }) => number.format(crashes))] : []),
    ...(rated
      ? [
          { head: () => make('td', 'bar-cell'), cell: (host) => make('td', 'bar-cell', bar(host, most)) },
          count('Peak', 'number', ({ peak_rate }) => `${number.format(peak_rate)}/s`),
          count('Usual', 'number', ({ baseline_rate }) => `${number.format(baseline_rate)}/s`),
          count('Events', 'number events', ({ events }) => number.format(events)),
        ]
      : []),
    signal.kind === 'crash'
      ? {
          head: () => heading('Last'),
          cell: (host) =>
            make(
              'td',
              '',
              makeTime(host.last_us, (ago) => `${ago} ago`),
            ),
        }
      : { head: () => heading('Affected'), cell: affected },
  ];
}

function count(name, className, textOf) {
  return { head: () => heading(name, className), cell: (host) => make('td', className, textOf(host)) };
}

function hostRow(host, columns) {
  const name = make('th', '', host.hostname || host.host_id || 'a host that is not known');
  name.scope = 'row';
  name.title = host.hostname;
  return make('tr', host.active ? '' : 'over', name, ...columns.map(({ cell }) => cell(host)));
}

/** How high its rate was, with a mark at what is usual. */
function bar({ peak_rate, baseline_rate }, most) {
  const element = make('span', 'bar');
  element.style.setProperty('--peak', `${(100 * peak_rate) / most}%`);
  element.style.setProperty('--usual', `${Math.min(100, (100 * baseline_rate) / most)}%`);
  return element;
}

function affected({ active, first_us, last_us }) {
  const time = active
    ? makeTime(first_us, (ago) => `for ${ago}`)
    : makeTime(last_us, (ago) => `until ${ago} ago`);
  return make('td', 'affected', time);
}
