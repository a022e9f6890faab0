/** Incidents as text. Pure. What they hold comes from hosts, so all of it is cleaned before it is printed. */
import { explain } from '@netfall/catalog/explain';
import type { Incident, IncidentHost, IncidentSample, IncidentView } from '@netfall/collector';
import { packetLine } from '../terminal/packet.ts';
import type { Paper } from '../terminal/print.ts';
import { table } from '../terminal/table.ts';
import { ago, clean, compact, cut, type Style, span, styled, wrap } from '../terminal/text.ts';

export function incidentList(incidents: readonly Incident[], nowUs: number, paper: Paper): string[] {
  if (incidents.length === 0) return ['No incidents.'];
  return table(
    incidents,
    [
      { title: 'ID', cell: ({ id }) => id },
      { title: 'STATE', cell: ({ state }) => state },
      { title: 'BEGAN', cell: ({ started_us }) => ago(started_us, nowUs) },
      { title: 'HOSTS', cell: ({ hosts_total }) => String(hosts_total), right: true },
      { title: 'TITLE', cell: ({ title }) => title, flexible: true },
    ],
    paper,
  );
}

export function incidentPage(incident: IncidentView, nowUs: number, paper: Paper): string[] {
  const { id, title, meaning, state, severity, signal, started_us, last_us, hosts, hosts_total } = incident;
  const quiet = incident.resolved_us > 0 || state === 'resolving';
  const lasted = span(((quiet ? last_us : nowUs) - started_us) / 1e6);
  // The catalog here and the collector's may be of different releases.
  const known = explain(signal.reason) !== undefined;
  const facts: [string, string][] = [
    ['state', `${state}, ${severity}`],
    [
      'began',
      `${moment(started_us)} (${ago(started_us, nowUs)}), ${hosts_total > 1 ? 'first ' : ''}on ${firstOf(hosts)}`,
    ],
    quiet ? ['over', `${moment(last_us)}, after ${lasted}`] : ['lasts', `${lasted} so far`],
    ['signal', `${signal.reason} in ${signal.function || 'an unknown function'}`],
    ...(known ? [['next', `netfall explain ${signal.reason}`] as [string, string]] : []),
    ['id', id],
    ...(incident.regression_of ? [['repeats', incident.regression_of] as [string, string]] : []),
  ];
  const unlisted = hosts_total - hosts.length;
  return [
    styled(tone(incident), cut(clean(title), paper.width), paper.colour),
    ...wrap(clean(meaning), paper.width),
    '',
    ...facts.map(([name, value]) => cut(`${name.padEnd(8)} ${clean(value)}`, paper.width)),
    '',
    ...table(
      hosts,
      [
        { title: 'HOST', cell: nameOf, flexible: true },
        { title: 'NOW', cell: ({ active }) => (active ? 'affected' : 'well') },
        { title: 'SINCE', cell: ({ first_us }) => ago(first_us, nowUs) },
        { title: 'EVENTS', cell: ({ events }) => compact(events), right: true },
        { title: 'PEAK/s', cell: ({ peak_rate }) => compact(peak_rate), right: true },
        { title: 'USUAL/s', cell: ({ baseline_rate }) => compact(baseline_rate), right: true },
      ],
      paper,
    ),
    ...(unlisted > 0 ? [`… and ${unlisted} more`] : []),
    ...samplesOf(incident, nowUs, paper),
    '',
    ...incident.audit.map(({ at_us, event, detail }) =>
      cut(`${moment(at_us)}  ${clean(event)}${detail === '' ? '' : `: ${clean(detail)}`}`, paper.width),
    ),
  ];
}

/** Some of the packets that were dropped, whole: they are what one looks for elsewhere. */
function samplesOf({ samples }: IncidentView, nowUs: number, { width, colour }: Paper): string[] {
  if (samples.length === 0) return [];
  const lines = samples.flatMap((sample: IncidentSample) => [
    cut(`${clean(nameOf(sample))}, ${ago(sample.at_us, nowUs)}`, width),
    ...wrap(packetLine(sample), width - 2).map((text) => styled('dim', cut(`  ${text}`, width), colour)),
  ]);
  return [
    '',
    styled('bold', samples.length === 1 ? 'A DROPPED PACKET' : 'DROPPED PACKETS', colour),
    ...lines,
  ];
}

function nameOf({ hostname, host_id }: IncidentHost | IncidentSample): string {
  return hostname || host_id;
}

/** The host where it began. */
function firstOf(hosts: readonly IncidentHost[]): string {
  const [first] = hosts.toSorted((a, b) => a.first_us - b.first_us);
  return first ? nameOf(first) : 'no host that is listed';
}

/** UTC, to the second. */
function moment(us: number): string {
  return new Date(us / 1000).toISOString().replace(/\.\d+/, '');
}

function tone({ state, severity }: Incident): Style {
  if (state === 'resolved' || state === 'closed') return 'green';
  return severity === 'critical' ? 'red' : 'yellow';
}
