/** Silences as the API shows and takes them, and what they cover. Pure but for the walk over hosts and incidents. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Matcher } from '@netfall/proto';
import type { HostView, IncidentHost, IncidentState } from '../fold/model.ts';
import {
  aboutIncident,
  endUs,
  fitsHost,
  fitsIncident,
  isActive,
  namesHosts,
  type SilenceRecord,
} from '../fold/silence.ts';
import type { IncidentPosition, Reader } from './reader.ts';
import type { Page } from './rows-page.ts';

export const SILENCE_STATES = ['pending', 'active', 'over'] as const;
export type SilenceState = (typeof SILENCE_STATES)[number];

export interface SilenceView extends Omit<SilenceRecord, 'matchers'> {
  /** By log time. */
  readonly state: SilenceState;
  /** Each as "name=value" or "name!=value". */
  readonly matchers: readonly string[];
}

export function silenceView({ matchers, ...rest }: SilenceRecord, nowUs: number): SilenceView {
  const silence = { matchers, ...rest };
  const state = isActive(silence, nowUs) ? 'active' : nowUs < endUs(silence) ? 'pending' : 'over';
  const texts = matchers.map(({ name, value, not }) => `${name}${not ? '!' : ''}=${value}`);
  return { ...rest, state, matchers: texts };
}

/** Reads "name=value" or "name!=value"; null for what is neither. */
export function matcherOf(text: string): Matcher | null {
  const [, name, not, value] = /^([a-z0-9_.-]{1,64})(!?)=(.{0,256})$/s.exec(text) ?? [];
  return name === undefined || value === undefined ? null : { name, value, not: not === '!' };
}

/** What a silence covers now. */
export interface Coverage {
  /** Hosts that fit; null where it says nothing of hosts. */
  readonly hosts: number | null;
  /** Open incidents that fit, with all hosts that are affected now. */
  readonly incidents: number;
}

const SLICE = 200;
/** States in which somebody would be told. */
const TOLD: readonly IncidentState[] = ['firing', 'acknowledged', 'resolving'];

export async function coverageOf(reader: Reader, matchers: readonly Matcher[]): Promise<Coverage> {
  const hosts = namesHosts({ matchers }) ? await fittingHosts(reader, matchers) : null;
  const covered = ({ host_id }: IncidentHost) => hosts?.has(host_id) ?? true;
  let incidents = 0;
  let after: IncidentPosition | null = null;
  do {
    const page = reader.listIncidents({ states: TOLD, limit: SLICE, ...(after && { after }) });
    for (const incident of page.items) {
      if (!fitsIncident({ matchers }, aboutIncident(incident))) continue;
      const affected = incident.hosts.filter(({ active }) => active);
      if ((affected.length > 0 ? affected : incident.hosts).every(covered)) incidents++;
    }
    after = page.next;
    await nextTurn();
  } while (after !== null);
  return { hosts: hosts === null ? null : hosts.size, incidents };
}

/** The ids of the hosts that fit. Read in slices, so that the thread stays free. */
async function fittingHosts(reader: Reader, matchers: readonly Matcher[]): Promise<ReadonlySet<string>> {
  const found = new Set<string>();
  let after: string | null = null;
  do {
    const page: Page<HostView, string> = reader.listHosts({ limit: SLICE, ...(after !== null && { after }) });
    for (const { host_id, hostname, attributes } of page.items) {
      if (fitsHost({ matchers }, { id: host_id, hostname, attributes })) found.add(host_id);
    }
    after = page.next;
    await nextTurn();
  } while (after !== null);
  return found;
}
