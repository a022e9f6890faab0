/** What each source of an agent could do here, and which one would count drops. Starts nothing. */
import {
  type AgentConfig,
  type Election,
  electCounter,
  isEnabled,
  type Probe,
  probeElected,
  type SourceDefinition,
  sources,
} from '@netfall/agent';
import { systemClock } from '@netfall/log';
import type { SourceRow } from '../terminal/sources.ts';

export interface Probed {
  /** In the sources' own order. */
  readonly rows: readonly SourceRow[];
  readonly election: Election;
}

/** @param root stands in for `/`. */
export function probeSources(config: AgentConfig, root: string): Probed {
  const idle = { hurry: () => false, urgent: () => {}, data: undefined };
  const situation = { root, config: config.sources, clock: systemClock, ...idle };
  const election = electCounter(sources, config.count_drops_with, situation);
  const probe = (definition: SourceDefinition, elected: string): Probe => {
    const counting = () => elected;
    return probeElected(definition, definition.create({ ...situation, counting }), counting);
  };
  const rows = sources.map((definition): SourceRow => {
    const { name } = definition;
    if (!isEnabled(definition, config.sources)) {
      return { name, state: 'off', detail: 'switched off by configuration', mend: '' };
    }
    const { state, detail, missing, mend = '' } = probe(definition, election.source);
    if (state !== 'off') return { name, state, detail: missing ? `${detail}; ${missing}` : detail, mend };
    // Nothing is wrong with it, but people want to know before the other one fails.
    const alone = probe(definition, name);
    if (alone.state !== 'unavailable') return { name, state, detail, mend };
    return {
      name,
      state,
      detail: `${detail}; it could not count instead: ${alone.missing ?? alone.detail}`,
      mend: alone.mend ?? '',
    };
  });
  return { rows, election };
}
