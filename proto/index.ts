export { checkEntry, LIMITS } from './check.ts';
export { decodeEntry, encodeEntry, MAX_ENTRY_BYTES } from './codec.ts';
export * from './gen/types.ts';
export { EventFormatError, type EventLine, readEventLine, readEvents, writeEventLine } from './json.ts';
export { readingOf } from './reading.ts';
export * from './subjects.ts';
export * from './switches.ts';
