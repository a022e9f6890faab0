/** What other workspaces use of the log. */

export type { Clock, Timer } from './clock.ts';
export { sleep, systemClock } from './clock.ts';
export { LogConfig } from './config.ts';
export type { EmbeddedLogOptions } from './embedded/embedded-log.ts';
export { openEmbeddedLog } from './embedded/embedded-log.ts';
export type { Credentials } from './jetstream/connection.ts';
export type { JetStreamLogOptions } from './jetstream/jetstream-log.ts';
export { openJetStreamLog } from './jetstream/jetstream-log.ts';
export * from './log.ts';
