export * from './clock.ts';
export { LogConfig } from './config.ts';
export * from './log.ts';
