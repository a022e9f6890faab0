/** Incidents as text. Pure. What they hold comes from hosts, so all of it is cleaned before it is printed. */
import { explain } from '@netfall/catalog/explain';
import type { Incident, IncidentHost, IncidentSample, IncidentView, Signal } from '@netfall/collector';
import { packetLine } from '../terminal/packet.ts';
import type { Paper } from '../terminal/print.ts';
import { table } from '../terminal/table.ts';
import { ago, clean, compact, cut, moment, type Style, span, styled, wrap } from '../terminal/text.ts';
import { explanationLines, signalName, someOf } from './explanation.ts';

/** What is shown of each list at most. */
const MOST_HOSTS = 20;
const MOST_CONSEQUENCES = 10;
/** How wide the names of facts are. */
const FACT = 15;

/** A line with the facts of each, and below it what it is. */
export function incidentList(incidents: readonly Incident[], nowUs: number, paper: Paper): string[] {
  if (incidents.length === 0) return ['No incidents.'];
  const [head = '', ...lines] = table(
    incidents,
    [
      { title: 'ID', cell: ({ id }) => id },
      { title: 'STATE', cell: ({ state }) => state },
      { title: 'SEVERITY', cell: ({ severity }) => severity },
      { title: 'SINCE', cell: ({ started_us }) => ago(started_us, nowUs) },
      { title: 'HOSTS', cell: share, right: true },
      { title: '', cell: (incident) => marks(incident).join(', '), flexible: true },
    ],
    paper,
  );
  const titles = incidents.map((incident) =>
    styled(tone(incident), cut(`  ${clean(incident.title)}`, paper.width), paper.colour),
  );
  return [head, ...lines.flatMap((line, i) => [line, titles[i] ?? ''])];
}

/** Hosts, and of how many that have the same in common. */
function share({ explanation, hosts_total }: Incident): string {
  if (!explanation) return String(hosts_total);
  return `${explanation.affected}/${explanation.covered}`;
}

/** What sets it apart from others. */
function marks({ regression_of, suppressed, acknowledged, merged_into }: Incident): string[] {
  return [
    merged_into === '' ? '' : `into ${merged_into}`,
    acknowledged ? `by ${acknowledged.by || 'somebody'}` : '',
    suppressed ? 'suppressed' : '',
    regression_of === '' ? '' : 'regression',
  ].filter(Boolean);
}

export function incidentPage(incident: IncidentView, nowUs: number, paper: Paper): string[] {
  const { width, colour } = paper;
  const section = (title: string, lines: readonly string[]) =>
    lines.length === 0
      ? []
      : ['', styled('bold', title, colour), ...lines.flatMap((line) => indented(line, width))];
  return [
    ...wrapped(incident.title, width).map((line) => styled(tone(incident), line, colour)),
    '',
    ...wrapped(incident.sentence, width),
    '',
    ...factLines(incident, nowUs, width),
    ...section('MEANING', [clean(incident.meaning)]),
    ...section('EXPLANATION', explanationLines(incident)),
    ...section('NEXT CHECK', incident.next_check === '' ? [] : [clean(incident.next_check)]),
    ...section('SYMPTOMS', symptomLines(incident)),
    ...section('CAUSE', causeLines(incident)),
    ...section('CONSEQUENCES', consequenceLines(incident)),
    ...section('CHANGES BEFORE IT', changeLines(incident)),
    ...hostLines(incident, nowUs, paper),
    ...samplesOf(incident, nowUs, paper),
    ...section('HISTORY', historyLines(incident)),
  ];
}

function factLines(incident: IncidentView, nowUs: number, width: number): string[] {
  const { id, state, severity, signal, started_us, detected_us, last_us, hosts_total, loops } = incident;
  const { acknowledged, suppressed, regression_of, merged_into, rollout, late, runbook } = incident;
  const quiet = incident.resolved_us > 0 || state === 'resolving';
  const lasted = span(((quiet ? last_us : nowUs) - started_us) / 1e6);
  const where = `${hosts_total > 1 ? 'first ' : ''}on ${firstOf(incident)}`;
  const facts: [string, string][] = [
    ['state', `${state}, ${severity}`],
    ['began', `${moment(started_us)} (${ago(started_us, nowUs)}), ${where}`],
    [
      'detected',
      detected_us === 0
        ? 'not yet'
        : `${moment(detected_us)}, ${span((detected_us - started_us) / 1e6)} later`,
    ],
    quiet ? ['over', `${moment(last_us)}, after ${lasted}`] : ['lasts', `${lasted} so far`],
    ['signal', signalName(signal)],
    ['next', commandFor(signal)],
    ['new on', rollout ? `${rollout.attribute} ${rollout.value}, since ${moment(rollout.since_us)}` : ''],
    ['crash loop', someOf(loops.slice(0, MOST_HOSTS), loops.length)],
    ['acknowledged', acknowledged ? said(acknowledged, nowUs) : ''],
    ['suppressed', suppressed ? `by ${suppressed.by} ${suppressed.id}: nobody is told of it` : ''],
    ['regression of', regression_of],
    ['merged into', merged_into],
    [
      'late',
      late.reports === 0 ? '' : `${late.reports} reports came too late to count, of ${late.events} events`,
    ],
    ['runbook', runbook],
    ['id', id],
  ];
  return facts
    .filter(([, value]) => value !== '')
    .flatMap(([name, value]) => hung(value, width, name.padEnd(FACT), FACT));
}

function said({ by, at_us, comment }: NonNullable<IncidentView['acknowledged']>, nowUs: number): string {
  return `by ${by || 'somebody'}, ${ago(at_us, nowUs)}${comment === '' ? '' : `: ${comment}`}`;
}

/** What to ask next in a terminal; empty where there is nothing. */
function commandFor(signal: Signal): string {
  if (signal.kind === 'crash')
    return signal.signature === ''
      ? 'netfall crashes list'
      : `netfall crashes list --signature ${signal.signature}`;
  const name = signal.kind === 'drop' ? signal.reason : signal.kind === 'counter' ? signal.counter : '';
  // The catalog here and the collector's may be of different releases.
  return name !== '' && explain(name) ? `netfall explain ${name}` : '';
}

function symptomLines({ symptoms }: IncidentView): string[] {
  if (symptoms.length < 2) return [];
  return symptoms.map(({ signal, severity, first_us, hosts_total }) => {
    const hosts = `${hosts_total} ${hosts_total === 1 ? 'host' : 'hosts'}`;
    return `${moment(first_us)}  ${clean(signalName(signal))}: ${severity}, ${hosts}`;
  });
}

/** Which came first, only as far as clocks and reports can tell. */
function causeLines({ cause }: IncidentView): string[] {
  if (!cause) return [];
  const { incident_id, hostname, host_id, order, gap_us, error_us } = cause;
  const host = clean(hostname || host_id);
  const gap = `${seconds(Math.abs(gap_us))} ± ${seconds(error_us)}`.replaceAll(' ', '\u00a0');
  const when =
    order === 'before'
      ? `it began ${gap} before this`
      : `concurrent: the two began ${gap} apart, so that nobody can tell which was first`;
  return [`${incident_id}, trouble of ${host}, which the packets were for; ${when}`];
}

function consequenceLines({ consequences }: IncidentView): string[] {
  return consequences.length === 0
    ? []
    : [someOf(consequences.slice(0, MOST_CONSEQUENCES), consequences.length)];
}

function changeLines({ changes, started_us }: IncidentView): string[] {
  return changes.map(({ id, summary, at_us }) => {
    const before = started_us - at_us;
    const when = before >= 0 ? `${span(before / 1e6)} before` : `${span(-before / 1e6)} after it began`;
    return `${moment(at_us)}  ${clean(summary)} (${id}), ${when}`;
  });
}

/** The worst first: those that are affected now, then those that crashed most, then by rate. */
function hostLines({ hosts, hosts_total, signal }: IncidentView, nowUs: number, paper: Paper): string[] {
  const worst = hosts
    .toSorted(
      (a, b) =>
        Number(b.active) - Number(a.active) ||
        b.crashes - a.crashes ||
        b.peak_rate - a.peak_rate ||
        a.first_us - b.first_us,
    )
    .slice(0, MOST_HOSTS);
  const counted = hosts.some(({ events }) => events > 0);
  const isCrash = signal.kind === 'crash';
  const unlisted = hosts_total - worst.length;
  return [
    '',
    ...table(
      worst,
      [
        { title: 'HOST', cell: nameOf, flexible: true },
        ...(isCrash
          ? []
          : [{ title: 'NOW', cell: ({ active }: IncidentHost) => (active ? 'affected' : 'well') }]),
        { title: 'SINCE', cell: ({ first_us }) => ago(first_us, nowUs) },
        ...(isCrash
          ? [
              { title: 'LAST', cell: ({ last_us }: IncidentHost) => ago(last_us, nowUs) },
              { title: 'CRASHES', cell: ({ crashes }: IncidentHost) => String(crashes), right: true },
            ]
          : []),
        ...(counted ? rates : []),
      ],
      paper,
    ),
    ...(unlisted > 0 ? [`… and ${unlisted} more`] : []),
  ];
}

const rates = [
  { title: 'EVENTS', cell: ({ events }: IncidentHost) => compact(events), right: true },
  { title: 'PEAK/s', cell: ({ peak_rate }: IncidentHost) => compact(peak_rate), right: true },
  { title: 'USUAL/s', cell: ({ baseline_rate }: IncidentHost) => compact(baseline_rate), right: true },
];

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

function historyLines({ audit }: IncidentView): string[] {
  return audit.map(({ at_us, event, by, detail }) => {
    const who = by === '' ? '' : ` by ${clean(by)}`;
    return `${moment(at_us)}  ${clean(event)}${who}${detail === '' ? '' : `: ${clean(detail)}`}`;
  });
}

function nameOf({ hostname, host_id }: IncidentHost | IncidentSample): string {
  return hostname || host_id || 'a host that is not known';
}

/** The host where it began: some may have been in trouble before, by chance. */
function firstOf({ hosts, started_us }: Incident): string {
  const [first] = hosts
    .filter(({ first_us }) => first_us >= started_us)
    .sort((a, b) => a.first_us - b.first_us);
  return first ? nameOf(first) : 'no host that is listed';
}

/** To the tenth where it is short. */
function seconds(us: number): string {
  return us < 10_000_000 ? `${Math.round(us / 100_000) / 10} s` : span(us / 1e6);
}

function wrapped(text: string, width: number): string[] {
  return wrap(clean(text), width).map((line) => cut(line, width));
}

/** Lines of one text, the first after `first` and the others after as much space as `rest` is, which is no less. */
function hung(text: string, width: number, first: string, rest: number): string[] {
  return wrapped(text, width - rest).map((line, i) => (i === 0 ? first : ' '.repeat(rest)) + line);
}

function indented(line: string, width: number): string[] {
  const own = line.length - line.trimStart().length;
  return hung(line.slice(own), width, ' '.repeat(own), own + 2);
}

function tone({ state, severity }: Incident): Style {
  if (state === 'resolved' || state === 'closed' || state === 'merged') return 'green';
  return severity === 'critical' ? 'red' : 'yellow';
}
