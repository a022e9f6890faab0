/** `netfall doctor`: what this kernel and these privileges allow, source by source, and the mend for what is missing. */
import { AgentConfig, sources } from '@netfall/agent';
import { systemClock } from '@netfall/log';
import { complete, loadConfig } from '../config/load.ts';
import { checkLog } from '../doctor/check-log.ts';
import { type Check, machineChecks } from '../doctor/checks.ts';
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
  const context = { root, config: config.sources, clock: systemClock, hurry: () => false };
  const configured: Readonly<Record<string, { enabled?: boolean }>> = config.sources;
  const probed = sources.map((definition): SourceRow => {
    if (!(configured[definition.name]?.enabled ?? definition.enabledByDefault)) {
      return { name: definition.name, state: 'off', detail: 'switched off by configuration', mend: '' };
    }
    const { state, detail, missing, mend = '' } = definition.create(context).probe();
    return { name: definition.name, state, detail: missing ? `${detail}; ${missing}` : detail, mend };
  });
  const checks: Check[] = machineChecks({ root, ...(file !== undefined && { data: config.data }) });
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
