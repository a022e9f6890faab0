/**
 * Dropped packets as an incident's evidence: a few of them, bounded in number and bytes whatever hosts send. Pure; which
 * reports they come out of, and when, is not known here.
 */
import type { DropSample, Flow } from '@netfall/proto';
import type { IncidentSample } from './model.ts';
import { bounded } from './text.ts';

/** Hosts of an incident that show a packet: those that sent one first. */
export const MOST_SAMPLES = 3;
/** Depths of tunnels, the innermost ones, and tags of VLANs. */
const MOST_FLOWS = 3;
const MOST_VLANS = 2;
/** Characters: a pod with its container takes 63. */
const MOST_TEXT = 80;

/** The newest sample of a kind among those of a report; of those as new the last one. */
export function newestSample(samples: readonly DropSample[], reason: string, fn: string): DropSample | null {
  let newest: DropSample | null = null;
  for (const sample of samples) {
    if (sample.function !== fn || sample.reason !== reason) continue;
    if (!newest || sample.observed_us >= newest.observed_us) newest = sample;
  }
  return newest;
}

/** A host's sample, as much of it as is kept. */
export function asSample(
  hostId: string,
  hostname: string,
  sample: DropSample,
  nowUs: number,
): IncidentSample {
  return {
    host_id: hostId,
    hostname,
    at_us: nowUs,
    interface: bounded(sample.interface, MOST_TEXT),
    namespace: bounded(sample.namespace, MOST_TEXT),
    length: sample.length,
    flows: sample.flows.slice(-MOST_FLOWS).map(plainFlow),
  };
}

/** The evidence with a host's newer sample in the place of its older one, or beside those of others while there is room. */
export function withSample(
  samples: readonly IncidentSample[],
  sample: IncidentSample | null,
): readonly IncidentSample[] {
  if (!sample) return samples;
  const others = samples.filter(({ host_id }) => host_id !== sample.host_id);
  if (others.length >= MOST_SAMPLES) return samples;
  return [...others, sample].sort((a, b) => (a.host_id < b.host_id ? -1 : 1));
}

/** Every field, in one order, whatever the decoder made of it. */
function plainFlow(flow: Flow): Flow {
  return {
    source: bounded(flow.source, MOST_TEXT),
    source_port: flow.source_port,
    destination: bounded(flow.destination, MOST_TEXT),
    destination_port: flow.destination_port,
    protocol: bounded(flow.protocol, MOST_TEXT),
    detail: bounded(flow.detail, MOST_TEXT),
    vlans: flow.vlans.slice(0, MOST_VLANS),
    tunnel_id: flow.tunnel_id,
  };
}
