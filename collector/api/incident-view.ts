/** An incident as the API shows it: without what is the fold's own, with what the catalog says of it. */
import { dropMeaning } from '@netfall/catalog';
import { type IncidentRecord, shown } from '../fold/incident.ts';
import type { Incident } from '../fold/model.ts';

export interface IncidentView extends Incident {
  /** What the signal's reason means, in a sentence. */
  readonly meaning: string;
}

export function incidentView(record: IncidentRecord): IncidentView {
  const { reason, function: fn } = record.signal;
  return { ...shown(record), meaning: dropMeaning(reason, fn).meaning };
}
