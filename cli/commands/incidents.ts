/** `netfall incidents list|show`: what is or was wrong, as a collector says. */
import type { IncidentState } from '@netfall/collector';
import { ApiClient } from '../api/client.ts';
import { incidentList, incidentPage } from '../api/incidents.ts';
import { print } from '../terminal/print.ts';

interface ShowOptions {
  readonly api: string;
  readonly json?: boolean;
}

interface ListOptions extends ShowOptions {
  readonly state?: readonly IncidentState[];
  readonly host?: string;
  readonly limit: number;
}

export async function listIncidents({ api, state, host, limit, json }: ListOptions): Promise<void> {
  const incidents = await new ApiClient(api).incidents({
    limit,
    ...(state && { states: state }),
    ...(host !== undefined && { host }),
  });
  print(json, { incidents }, (paper) => incidentList(incidents, Date.now() * 1000, paper));
}

export async function showIncident(id: string, { api, json }: ShowOptions): Promise<void> {
  const incident = await new ApiClient(api).incident(id);
  print(json, incident, (paper) => incidentPage(incident, Date.now() * 1000, paper));
}
