/** `netfall incidents list|show`: what is or was wrong, as a collector says. */
import type { IncidentState } from '@netfall/collector';
import { type Command, Option } from 'commander';
import { incidentList, incidentPage } from '../api/incidents.ts';
import { print } from '../terminal/print.ts';
import { type ApiOptions, apiClient, parseCount, withApi } from './api-options.ts';

const STATES = ['candidate', 'firing', 'acknowledged', 'resolving', 'resolved', 'closed'];

interface ListOptions extends ApiOptions {
  readonly state?: readonly IncidentState[];
  readonly host?: string;
  readonly limit: number;
}

export function addIncidents(program: Command): void {
  const incidents = program.command('incidents').description('list incidents, or show one');
  withApi(incidents.command('list', { isDefault: true }))
    .description('list incidents, the newest first')
    .addOption(new Option('--state <state...>', 'only these states').choices(STATES))
    .option('--host <id>', 'only those of this host')
    .option('--limit <n>', 'list at most this many', parseCount, 50)
    .action((_: unknown, command: Command) => list(command.optsWithGlobals()));
  withApi(incidents.command('show'))
    .description('show an incident with its hosts and history')
    .argument('<id>')
    .action((id: string, _: unknown, command: Command) => show(id, command.optsWithGlobals()));
}

async function list(options: ListOptions): Promise<void> {
  const { limit, state, host, json } = options;
  const incidents = await apiClient(options).incidents({
    limit,
    ...(state && { states: state }),
    ...(host !== undefined && { host }),
  });
  print(json, { incidents }, (paper) => incidentList(incidents, Date.now() * 1000, paper));
}

async function show(id: string, options: ApiOptions): Promise<void> {
  const incident = await apiClient(options).incident(id);
  print(options.json, incident, (paper) => incidentPage(incident, Date.now() * 1000, paper));
}
