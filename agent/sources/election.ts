/**
 * Which source counts the drops of software. Several can and each would count every packet, so one does: the first that
 * its probe finds able. One that works and stops for a while, because drops cost too much, is not replaced by another one
 * that costs more. It must not know what sources do.
 */
import type { AgentConfig } from '../config.ts';
import type { Probe, Source } from '../source.ts';
import type { SourceContext, SourceDefinition } from './index.ts';

export interface Election {
  /** The source's name; '' when none can count. */
  readonly source: string;
  /** In a few words. */
  readonly why: string;
  /** Whether it was not tried, because it is switched off: once it is on again, the election is held again. */
  readonly untried?: boolean;
}

/**
 * @param context without the election's own outcome.
 * @param isOff whether operators have switched a source off: it is left alone, and no other one takes its place.
 */
export function electCounter(
  definitions: readonly SourceDefinition[],
  preferred: AgentConfig['count_drops_with'],
  context: Omit<SourceContext, 'counting'>,
  isOff: (source: string) => boolean = () => false,
): Election {
  if (preferred !== 'auto') return { source: preferred, why: 'configured as count_drops_with' };
  const candidates = definitions.filter((definition) => {
    return definition.election !== undefined && isEnabled(definition, context.config);
  });
  const failed: string[] = [];
  for (const definition of candidates) {
    const { name } = definition;
    if (isOff(name)) return { source: name, why: 'it is switched off', untried: true };
    if (definition.create({ ...context, counting: () => name }).probe().state !== 'unavailable') {
      return {
        source: name,
        why: failed.length === 0 ? 'it works here' : `${failed.join(' and ')} does not work here`,
      };
    }
    failed.push(name);
  }
  return { source: '', why: failed.length === 0 ? 'none is switched on' : `${failed.join(' and ')} cannot` };
}

/** What a source can do here, given which one counts: one that could and does not stands back. */
export function probeElected(
  { name, election }: SourceDefinition,
  source: Source,
  counting: () => string,
): Probe {
  const probe = source.probe();
  if (election !== 'yields' || probe.state === 'unavailable' || counting() === name) return probe;
  return { state: 'off', detail: `${counting()} counts drops` };
}

/** Whether a source is to run; one that is not part of the configuration's schema runs as its definition says. */
export function isEnabled(
  { name, enabledByDefault }: SourceDefinition,
  config: AgentConfig['sources'],
): boolean {
  const configured: Readonly<Record<string, { enabled?: boolean }>> = config;
  return configured[name]?.enabled ?? enabledByDefault;
}
