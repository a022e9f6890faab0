/** `netfall doctor`: what this kernel and these privileges allow, source by source, and the mend for what is missing. */
import { AgentConfig, type Election } from '@netfall/agent';
import { complete, loadConfig } from '../config/load.ts';
import { checkLog } from '../doctor/check-log.ts';
import { type Check, machineChecks } from '../doctor/checks.ts';
import { probeSources } from '../doctor/probes.ts';
import { CommandError } from '../errors.ts';
import { print } from '../terminal/print.ts';
import { type SourceRow, sourceReport } from '../terminal/sources.ts';

interface Options {
  readonly config?: string;
  readonly root: string;
  /** Whether to fail when something does not work as configured. */
  readonly strict?: boolean;
  readonly json?: boolean;
}

/** The checks that no source makes for itself. */
const OWN_CHECKS = ['data', 'log'];

export async function doctor({ config: file, root, strict, json }: Options): Promise<void> {
  const config = file === undefined ? complete(AgentConfig, {}) : loadConfig(file, AgentConfig);
  const { rows: probed, election } = probeSources(config, root);
  const checks: Check[] = [
    checkCounting(election, probed),
    ...machineChecks({ root, ...(file !== undefined && { data: config.data }) }),
  ];
  if (config.log.nats) checks.push(await checkLog(config));
  const rows = checks.map(({ name, ok, detail, mend }): SourceRow => {
    return { name, state: ok ? 'ok' : 'degraded', detail, mend };
  });
  print(json, { sources: probed, checks }, (paper) => sourceReport([...probed, ...rows], paper));
  const lacking = [...probed, ...rows.filter(({ name }) => OWN_CHECKS.includes(name))].filter(
    ({ state }) => state === 'unavailable' || state === 'degraded',
  );
  if (!strict || lacking.length === 0) return;
  const names = lacking.map(({ name, state }) => `${name} (${state})`).join(', ');
  throw new CommandError(`not all works: ${names}: see above for what is missing`);
}

/** Which source counts drops, and why. What it lacks it says itself. */
function checkCounting({ source, why }: Election, probed: readonly SourceRow[]): Check {
  const state = probed.find(({ name }) => name === source)?.state;
  const ok = state === 'ok' || state === 'degraded';
  const detail = ok ? `counted by ${source}: ${why}` : `counted by nobody: ${source || 'no source'}, ${why}`;
  return { name: 'drops', ok, detail, mend: '' };
}
