/** What kinds of trouble an incident consists of, what the catalog says of each, and packets that were dropped. */
import { clockTime, get, make, makeTime, number, plural } from './elements.js';
import { signalName } from './incident-parts.js';

/** Made once, so that what is folded out stays so: { element, show(incident) }. */
export function symptomList() {
  const list = make('ul', 'symptoms');
  const rows = new Map();
  return {
    element: make('section', '', make('h3', '', 'Symptoms'), list),
    show: (incident) => {
      const symptoms =
        incident.symptoms.length > 0
          ? incident.symptoms
          : [
              {
                signal: incident.signal,
                severity: incident.severity,
                first_us: incident.started_us,
                hosts_total: incident.hosts_total,
              },
            ];
      const items = symptoms.map((symptom, i) => {
        const key = JSON.stringify(symptom.signal);
        const row = rows.get(key) ?? symptomRow(symptom, i === 0);
        rows.set(key, row);
        row.update(symptom);
        return row.item;
      });
      if (items.some((item, i) => list.children[i] !== item) || items.length !== list.children.length)
        list.replaceChildren(...items);
    },
  };
}

function symptomRow({ signal }, open) {
  const facts = make('span', 'facts');
  const name = make('span', 'symptom-name', signalName(signal));
  const catalogName =
    signal.kind === 'drop' ? signal.reason : signal.kind === 'counter' ? signal.counter : '';
  const row = {
    update: ({ severity, first_us, hosts_total }) => {
      row.item.dataset.severity = severity;
      const since = makeTime(first_us, () => clockTime(first_us));
      facts.replaceChildren(
        make('span', '', severity),
        make('span', '', plural(hosts_total, 'host', 'hosts')),
        make('span', '', 'since ', since),
      );
    },
  };
  if (signal.kind === 'crash') {
    const link = make('a', 'symptom-name', signalName(signal));
    link.href = signal.signature === '' ? '#crashes' : `#crashes/${encodeURIComponent(signal.signature)}`;
    row.item = make('li', 'symptom', make('div', 'symptom-line', link, facts));
  } else if (catalogName === '') row.item = make('li', 'symptom', make('div', 'symptom-line', name, facts));
  else {
    const causes = make('div', 'causes');
    const details = make('details', '', make('summary', 'symptom-line', name, facts), causes);
    // What is folded away is not asked for until it is looked at.
    details.addEventListener('toggle', () => details.open && fillCauses(causes, catalogName));
    details.open = open;
    row.item = make('li', 'symptom', details);
  }
  return row;
}

/** What the catalog says of a name: asked once. */
async function fillCauses(place, name) {
  if (place.dataset.asked === 'true') return;
  place.dataset.asked = 'true';
  try {
    const { means, causes = [], condition } = await get(`/api/v1/explain/${encodeURIComponent(name)}`);
    const items = causes.map((cause, index) => causeItem(cause, index === 0));
    place.replaceChildren(
      make('p', '', means),
      ...(condition ? [make('p', 'condition', condition)] : []),
      ...(items.length > 0 ? [make('h4', '', items.length === 1 ? 'Likely cause' : 'Likely causes')] : []),
      make('ol', '', ...items),
      make('p', 'hint', 'More in a terminal: ', make('code', '', `netfall explain ${name}`)),
    );
  } catch (error) {
    // The rest of the incident stands without it; who folds it out again asks again.
    place.dataset.asked = String(error.code === 'name_not_found');
    place.replaceChildren(make('p', 'hint', 'The catalog does not have it.'));
  }
}

/** A cause, how to know that it is this one, and what to do. */
function causeItem({ cause, tell, mend }, open) {
  const checks = tell.map(({ run, shows }) =>
    make('li', 'check', make('code', 'run', run), make('span', 'shows', shows)),
  );
  const body = make(
    'div',
    'remedy',
    make('ul', '', ...checks),
    make('p', 'mend', make('b', '', 'Mend: '), mend),
  );
  const details = make('details', 'cause', make('summary', 'cause-line', cause), body);
  details.open = open;
  return make('li', '', details);
}

/** Some of the packets that were dropped; nothing where hosts send none. */
export function packetsOf({ samples }) {
  if (samples.length === 0) return [];
  const items = samples.map((sample) => {
    const { hostname, interface: name, namespace, length } = sample;
    const place = [hostname, name, namespace, `${number.format(length)} bytes`].filter((word) => word !== '');
    const time = makeTime(sample.at_us, (ago) => `${ago} ago`);
    const facts = make('div', 'facts', ...place.map((word) => make('span', '', word)), time);
    return make('li', 'packet', make('div', '', ...flowLines(sample.flows)), facts);
  });
  const title = samples.length === 1 ? 'One of the dropped packets' : 'Some of the dropped packets';
  return [make('section', 'packets', make('h3', '', title), make('ul', '', ...items))];
}

/** Who talked to whom, a line for each depth of tunnels, the innermost first. */
function flowLines(flows) {
  return flows.toReversed().map((flow, depth) => {
    const { source, destination, protocol, detail, tunnel_id, vlans } = flow;
    const known = source !== '' || destination !== '';
    const ends = known ? `${end(source, flow.source_port)} → ${end(destination, flow.destination_port)}` : '';
    const tags = vlans.map((vlan) => `vlan ${vlan}`);
    const words = [ends, protocol, tunnel_id > 0 ? String(tunnel_id) : '', detail, ...tags];
    const text = words.filter((word) => word !== '').join(' ');
    return make('code', 'flow', depth === 0 ? text : `in ${text}`);
  });
}

/** An address with its port, IPv6 in brackets. */
function end(address, port) {
  if (port === 0) return address || '?';
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}
