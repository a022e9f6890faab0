/** An incident as the API shows it: without what is the fold's own, with its samples and what the catalog says of it. */
import { dropMeaning } from '@netfall/catalog/explain';
import { type IncidentRecord, shown } from '../fold/incident.ts';
import type { Incident, IncidentSample } from '../fold/model.ts';
import { explanationLink } from './explanation.ts';

export interface IncidentView extends Incident {
  /** What the signal's reason means, in a sentence. */
  readonly meaning: string;
  /** The path below which the API tells more of the reason; empty when the catalog does not have it. */
  readonly explain: string;
  /** Dropped packets as evidence: the newest of each of the first few hosts that sent any, by host. */
  readonly samples: readonly IncidentSample[];
}

export function incidentView(record: IncidentRecord): IncidentView {
  const { reason, function: fn } = record.signal;
  return {
    ...shown(record),
    meaning: dropMeaning(reason, fn),
    explain: explanationLink(reason),
    samples: record.samples,
  };
}
