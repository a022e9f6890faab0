/** An incident as the API shows it: without what is the fold's own, with its samples and what there is to say of it. */
import { type IncidentRecord, shown } from '../fold/incident.ts';
import type { Incident, IncidentSample } from '../fold/model.ts';
import { nextCheckOf, sentenceOf } from '../fold/words.ts';
import { catalogName, signalMeaning } from '../signal-meaning.ts';
import { explanationLink } from './explanation.ts';

export interface IncidentView extends Incident {
  /** What the first signal means, in a sentence. */
  readonly meaning: string;
  /** The path below which the API tells more of the signal; empty when the catalog does not have it. */
  readonly explain: string;
  /** What is wrong, where, and what explains it, with the numbers: some sentences. */
  readonly sentence: string;
  /** The cheapest observation that would tell explanations apart; empty where there is one alone. */
  readonly next_check: string;
  /** Dropped packets as evidence: the newest of each of the first few hosts that sent any, by host. */
  readonly samples: readonly IncidentSample[];
}

export function incidentView(record: IncidentRecord): IncidentView {
  const incident = shown(record);
  return {
    ...incident,
    meaning: signalMeaning(incident.signal),
    explain: explanationLink(catalogName(incident.signal)),
    sentence: sentenceOf(incident),
    next_check: nextCheckOf(incident),
    samples: record.samples,
  };
}
