/**
 * events.ndjson: one log entry a line, read strictly. An unknown or ill-typed field, an absent required key or a value
 * out of range is an error that names line and field; a typing error must not become a quiet default in a replay.
 *
 *   {"sequence":7,"time_us":1700000000000000,"subject":"netfall.default.host.web-1","entry":{"envelope":{…}}}
 *
 * Fields are named as in the .proto files, enums by their values' names, bytes as base64, absent fields have proto3's defaults. An entry
 * that cannot be decoded or is out of range stands as it is, `"raw":"<base64>"` in place of `"entry"`, so that a replay
 * rejects what the original rejected.
 */
import { readFileSync } from 'node:fs';
import { checkEntry } from './check.ts';
import { decodeEntry, encodeEntry } from './codec.ts';
import type { Enum, Namespace, Type } from './descriptor.ts';
import type { Entry } from './gen/types.ts';

/** An entry as the log holds it. Structurally the same as the log's `Stored`. */
export interface EventLine {
  readonly sequence: number;
  readonly timeUs: number;
  readonly subject: string;
  readonly data: Uint8Array;
}

export class EventFormatError extends Error {
  readonly line: number;
  constructor(line: number, message: string) {
    super(`line ${line}: ${message}`);
    this.name = 'EventFormatError';
    this.line = line;
  }
}

const descriptor = JSON.parse(readFileSync(new URL('./gen/descriptor.json', import.meta.url), 'utf8'));
const namespace: Namespace = descriptor.nested.netfall.nested.v1;

/** Reads one line. Throws EventFormatError. */
export function readEventLine(text: string, line: number): EventLine {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (error) {
    throw new EventFormatError(line, error instanceof Error ? error.message : 'no JSON');
  }
  try {
    const { sequence, time_us, subject, entry, raw, ...unknown } = asObject(parsed, 'the line');
    const [extra] = Object.keys(unknown);
    if (extra !== undefined) throw new TypeError(`unknown field ${cut(extra)}`);
    if ((entry === undefined) === (raw === undefined)) throw new TypeError('either entry or raw is needed');
    const event = {
      sequence: asInteger(sequence, 'sequence', 1),
      timeUs: asInteger(time_us, 'time_us', 0),
      subject: asString(subject, 'subject'),
    };
    if (raw !== undefined) return { ...event, data: asBytes(raw, 'raw') };
    const message = readMessage(entry, 'Entry', 'entry') as Entry;
    const bad = checkEntry(message, event.subject);
    if (bad) throw new TypeError(bad);
    return { ...event, data: encodeEntry(message) };
  } catch (error) {
    if (error instanceof TypeError) throw new EventFormatError(line, error.message);
    throw error;
  }
}

/** Reads a whole stream of text chunks, line by line; empty lines are passed over. Sequences must grow. */
export async function* readEvents(chunks: AsyncIterable<string>): AsyncGenerator<EventLine> {
  let rest = '';
  let line = 0;
  let last = 0;
  const read = (text: string): EventLine | null => {
    line++;
    if (text.trim() === '') return null;
    const event = readEventLine(text, line);
    if (event.sequence <= last) throw new EventFormatError(line, `sequence ${event.sequence} after ${last}`);
    last = event.sequence;
    return event;
  };
  for await (const chunk of chunks) {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop() ?? '';
    for (const text of lines) {
      const event = read(text);
      if (event) yield event;
    }
  }
  const event = read(rest);
  if (event) yield event;
}

/** Writes one line, without its newline. Fields at their defaults are left out. */
export function writeEventLine(event: EventLine): string {
  const { sequence, timeUs: time_us, subject, data } = event;
  const entry = entryAsFields(data, subject);
  return JSON.stringify(
    entry
      ? { sequence, time_us, subject, entry }
      : { sequence, time_us, subject, raw: Buffer.from(data).toString('base64') },
  );
}

/** The entry as JSON fields, or null where those would not encode to the same bytes again. */
function entryAsFields(data: Uint8Array, subject: string): object | null {
  try {
    const entry = decodeEntry(data);
    if (checkEntry(entry, subject) !== null) return null;
    // Unknown fields, and defaults that another encoder wrote out, would not survive as fields.
    return Buffer.compare(encodeEntry(entry), data) === 0 ? writeMessage(entry, 'Entry') : null;
  } catch {
    return null;
  }
}

/** Of the types whose default is not 0. */
const SCALAR_DEFAULTS: Readonly<Record<string, unknown>> = { string: '', bool: false };

function readMessage(value: unknown, typeName: string, path: string): object {
  const type = messageType(typeName);
  const message: Record<string, unknown> = {};
  // An absent field gets its default, as a decoded message would have it.
  for (const [name, field] of Object.entries(type.fields)) {
    if (field.options?.proto3_optional) message[name] = null;
    else if (field.rule === 'repeated') message[name] = [];
    else if (field.type === 'bytes') message[name] = new Uint8Array();
    else if (!(field.type in namespace.nested)) message[name] = SCALAR_DEFAULTS[field.type] ?? 0;
    else if ('values' in (namespace.nested[field.type] as Type | Enum)) message[name] = 0;
  }
  for (const [name, item] of Object.entries(asObject(value, path))) {
    const field = Object.hasOwn(type.fields, name) ? type.fields[name] : undefined;
    if (!field) throw new TypeError(`unknown field ${path}.${cut(name)}`);
    const at = `${path}.${name}`;
    if (field.rule !== 'repeated') message[name] = readValue(item, field.type, at);
    else if (!Array.isArray(item)) throw new TypeError(`${at} is not an array`);
    else message[name] = item.map((element, i) => readValue(element, field.type, `${at}[${i}]`));
  }
  return message;
}

function readValue(value: unknown, type: string, path: string): unknown {
  const nested = namespace.nested[type];
  if (nested && 'values' in nested) {
    const name = asString(value, path);
    const number = Object.hasOwn(nested.values, name) ? nested.values[name] : undefined;
    if (number === undefined) {
      throw new TypeError(
        `${path} is ${cut(JSON.stringify(name))}, not one of ${Object.keys(nested.values).join(', ')}`,
      );
    }
    return number;
  }
  if (nested) return readMessage(value, type, path);
  if (type === 'string') return asString(value, path);
  if (type === 'bytes') return asBytes(value, path);
  if (type === 'bool') return asBoolean(value, path);
  if (type === 'uint32') return asInteger(value, path, 0, 0xffff_ffff);
  if (type === 'uint64') return asInteger(value, path, 0);
  throw new Error(`proto/json.ts does not know the type ${type} of ${path}`);
}

function writeMessage(message: object, typeName: string): object {
  const out: Record<string, unknown> = {};
  for (const [name, field] of Object.entries(messageType(typeName).fields)) {
    const value: unknown = Reflect.get(message, name);
    if (value === undefined || value === null) continue;
    if (!field.options?.proto3_optional && (value === '' || value === 0 || value === false)) continue;
    if (value instanceof Uint8Array && value.length === 0) continue;
    if (!Array.isArray(value)) out[name] = writeValue(value, field.type);
    else if (value.length > 0) out[name] = value.map((element) => writeValue(element, field.type));
  }
  return out;
}

function writeValue(value: unknown, type: string): unknown {
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64');
  const nested = namespace.nested[type];
  if (!nested) return value;
  if (!('values' in nested)) return writeMessage(value as object, type);
  const name = Object.keys(nested.values).find((key) => nested.values[key] === value);
  // A newer agent's enum value has no name here; entryAsFields keeps such an entry raw.
  if (name === undefined) throw new RangeError(`${type} has no value ${value}`);
  return name;
}

function messageType(name: string): Type {
  const type = namespace.nested[name];
  if (!type || 'values' in type) throw new Error(`${name} is not a message of proto/netfall/v1`);
  return type;
}

function asObject(value: unknown, path: string): Record<string, unknown> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value))
    return value as Record<string, unknown>;
  throw new TypeError(`${path} is not an object`);
}

function asString(value: unknown, path: string): string {
  if (typeof value === 'string') return value;
  throw new TypeError(`${path} is not a string`);
}

function asBoolean(value: unknown, path: string): boolean {
  if (typeof value === 'boolean') return value;
  throw new TypeError(`${path} is neither true nor false`);
}

function asInteger(value: unknown, path: string, least: number, most = Number.MAX_SAFE_INTEGER): number {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= least && value <= most)
    return value;
  const shown = value === undefined ? 'missing' : cut(JSON.stringify(value));
  throw new TypeError(`${path} is ${shown}, not an integer from ${least} to ${most}`);
}

function asBytes(value: unknown, path: string): Uint8Array {
  const text = asString(value, path);
  const bytes = Buffer.from(text, 'base64');
  if (bytes.toString('base64') !== text) throw new TypeError(`${path} is not canonical base64`);
  return bytes;
}

/** A part of the line in a message: lines may be long. */
function cut(text: string): string {
  return text.length > 80 ? `${text.slice(0, 80)}…` : text;
}
