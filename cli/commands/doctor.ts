/** `netfall doctor`: what this kernel and these privileges allow, source by source, and the mend for what is missing. */
import { AgentConfig, sources } from '@netfall/agent';
import { systemClock } from '@netfall/log';
import { complete, loadConfig } from '../config/load.ts';
import { checkLog } from '../doctor/check-log.ts';
import { type Check, machineChecks } from '../doctor/checks.ts';
import { print } from '../terminal/print.ts';
import { type SourceRow, sourceReport } from '../terminal/sources.ts';

interface Options {
  readonly config?: string;
  readonly root: string;
  readonly json?: boolean;
}

export async function doctor({ config: file, root, json }: Options): Promise<void> {
  const config = file === undefined ? complete(AgentConfig, {}) : loadConfig(file, AgentConfig);
  const context = { root, config: config.sources, clock: systemClock, hurry: () => false };
  const probed = sources.map((definition): SourceRow => {
    const { state, detail, missing, mend = '' } = definition.create(context).probe();
    return { name: definition.name, state, detail: missing ? `${detail}; ${missing}` : detail, mend };
  });
  const checks: Check[] = machineChecks({ root, ...(file !== undefined && { data: config.data }) });
  if (config.log.nats) checks.push(await checkLog(config));
  const rows = checks.map(({ name, ok, detail, mend }): SourceRow => {
    return { name, state: ok ? 'ok' : 'degraded', detail, mend };
  });
  print(json, { sources: probed, checks }, (paper) => sourceReport([...probed, ...rows], paper));
}
