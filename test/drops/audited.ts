/** What the audit is to say of each scenario, and the page's table of what it said. Pure. */
import type { AuditOutcome } from './audit.ts';

interface Expected {
  /** Counters that count every drop of the reason; none when it is counted nowhere. */
  readonly counters: readonly string[];
  /** Counters that count some of them. */
  readonly sometimes?: readonly string[];
  /** Not what the scenario is about. */
  readonly beside?: true;
}

interface Expectation {
  /** By reason. */
  readonly drops?: Readonly<Record<string, Expected>>;
  /** The counter that alone shows the loss. */
  readonly unseen?: string;
  /** Counters that move as well, and count no loss here. */
  readonly beside?: readonly string[];
}

/** The sender's frames are not a socket's: nobody there is to be told of ICMP's errors. */
const ANSWERED = ['IcmpInErrors'];

const expectations: Readonly<Record<string, Expectation>> = {
  'no socket': { drops: { NO_SOCKET: { counters: ['UdpNoPorts'] } }, beside: ANSWERED },
  'full receive buffer': { drops: { SOCKET_RCVBUFF: { counters: ['UdpRcvbufErrors'] } } },
  netfilter: { drops: { NETFILTER_DROP: { counters: [] } } },
  'no route': { drops: { IP_INNOROUTES: { counters: ['IpExtInNoRoutes'] } }, beside: ANSWERED },
  'no route, local': { unseen: 'IpOutNoRoutes' },
  'SYNs to a full queue': {
    unseen: 'TcpExtTCPReqQFullDrop',
    // The answers to the one that found room.
    drops: { OTHERHOST: { counters: [], sometimes: ['rx_otherhost_dropped'], beside: true } },
  },
  'bad checksum': { drops: { UDP_CSUM: { counters: ['UdpInCsumErrors'] } } },
  TTL: { drops: { IP_INHDR: { counters: ['IpInHdrErrors'] } }, beside: ANSWERED },
  MTU: { drops: { PKT_TOO_BIG: { counters: ['IpFragFails'] } }, beside: ANSWERED },
  'full qdisc': { drops: { QDISC_DROP: { counters: ['qdisc_drops', 'UdpSndbufErrors'] } } },
  tc: { drops: { TC_INGRESS: { counters: ['qdisc_drops'] } } },
  'generic XDP': { drops: { NOT_SPECIFIED: { counters: [] } } },
  'neighbour failure': {
    drops: {
      NEIGH_QUEUEFULL: { counters: ['arp_cache_unresolved_discards'] },
      // Once a neighbour.
      NEIGH_FAILED: { counters: [], sometimes: ['arp_cache_res_failed'] },
    },
    beside: ANSWERED,
  },
  'full backlog': {
    drops: {
      CPU_BACKLOG: {
        counters: ['rx_dropped', 'softnet_dropped', 'tx_dropped'],
        sometimes: ['IpOutDiscards'],
      },
      NO_SOCKET: { counters: ['UdpNoPorts'], beside: true },
    },
    // Of those that found room, Linux 6.18 does not always tell: docs/audit.md.
    beside: [...ANSWERED, 'UdpNoPorts'],
  },
};

/** What is wrong with an audit, a line each; none when it says what was lost, exactly, and nothing else. */
export function faultsOf({ scenario, lost, audit }: AuditOutcome): string[] {
  const { drops = {}, unseen, beside = [] } = expectations[scenario] ?? {};
  const faults: string[] = [];
  let seen = 0;
  for (const [reason, { counters, sometimes = [], beside }] of Object.entries(drops)) {
    const explained = audit.explained.filter((row) => row.reason === reason);
    const uncounted = sum(audit.uncounted.filter((row) => row.reason === reason));
    const matched = Math.max(0, ...explained.map(({ events }) => events));
    const events = matched + uncounted;
    if (!beside) seen += events;
    for (const counter of counters) {
      const by = sum(explained.filter((row) => row.counter === counter));
      if (by !== events || events === 0) faults.push(`${reason}: ${counter} explains ${by} of ${events}`);
    }
    for (const { counter } of explained) {
      if (![...counters, ...sometimes].includes(counter))
        faults.push(`${reason}: ${counter} explains it, too`);
    }
    if (counters.length > 0 && uncounted > 0) faults.push(`${reason}: ${uncounted} are counted nowhere`);
  }
  if (unseen === undefined && seen !== lost) faults.push(`${seen} drops were seen of ${lost} lost`);
  const others = [...audit.explained, ...audit.uncounted].filter(({ reason }) => !(reason in drops));
  for (const row of others) faults.push(`besides: ${JSON.stringify(row)}`);
  const alone = audit.unseen.filter(({ counter }) => counter === unseen);
  const count = alone.reduce((all, row) => all + row.count, 0);
  if (unseen !== undefined && count !== lost) faults.push(`${unseen} shows ${count} of ${lost} lost`);
  for (const row of audit.unseen) {
    if (row.counter !== unseen && !beside.includes(row.counter))
      faults.push(`unseen: ${JSON.stringify(row)}`);
  }
  return faults;
}

function sum(rows: readonly { readonly events: number }[]): number {
  return rows.reduce((all, { events }) => all + events, 0);
}

/** The page's table of one kernel. */
function table(outcomes: readonly AuditOutcome[]): string {
  const rows = outcomes.flatMap((outcome) => rowsOf(outcome).map((cells) => `| ${cells.join(' | ')} |`));
  return ['| loss | reason | function | counted by |', '| --- | --- | --- | --- |', ...rows, ''].join('\n');
}

function rowsOf({ scenario, audit, skipped }: AuditOutcome): string[][] {
  if (skipped !== undefined) {
    return [[scenario, '', '', `could not be made: ${skipped.replace(/^Error: |\.$/g, '')}`]];
  }
  const { drops = {}, unseen } = expectations[scenario] ?? {};
  if (unseen !== undefined) return [[scenario, 'no drop event', '', `\`${unseen}\` alone`]];
  return Object.entries(drops).flatMap(([reason, { counters, beside }]) => {
    const named = [...audit.explained, ...audit.uncounted].filter((row) => row.reason === reason);
    const functions = [...new Set(named.map((row) => row.function))].sort().map((fn) => `\`${fn}\``);
    const by = counters.map((counter) => `\`${counter}\``).join(', ') || 'counted nowhere';
    return beside ? [] : [[scenario, `\`${reason}\``, functions.join(', '), by]];
  });
}

/** The page with the table of one kernel put in its place; the page as it is when it does not have that kernel. */
export function withTable(page: string, kernel: string, outcomes: readonly AuditOutcome[]): string {
  const heading = `### Linux ${kernel}\n\n`;
  const start = page.indexOf(heading);
  if (start < 0) return page;
  const next = page.indexOf('\n### ', start + heading.length - 1);
  return `${page.slice(0, start)}${heading}${table(outcomes)}${next < 0 ? '' : page.slice(next)}`;
}
