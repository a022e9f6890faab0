export { type Agent, type AgentOptions, type AgentStatus, createAgent } from './agent.ts';
export { AgentConfig, completeConfig } from './config.ts';
export { type HostReader, openHost, readInventory } from './inventory/inventory.ts';
export type { Collector, DropRow, Probe, Source } from './source.ts';
export { type Election, electCounter, isEnabled, probeElected } from './sources/election.ts';
export { type SourceContext, type SourceDefinition, sources } from './sources/index.ts';
export { type KfreeSkbCounter, openKfreeSkb, probeKfreeSkb } from './sources/kfree-skb/index.ts';
export { SpoolError, type SpoolErrorCode } from './spool/errors.ts';
export { openSpool, type Spool, type SpoolOptions } from './spool/spool.ts';
