/**
 * Reads a configuration file: YAML, checked against a schema. Nothing is substituted from the environment; secrets come
 * in through keys that end in _file or _env. Must not know any particular configuration.
 */
import { readFileSync } from 'node:fs';
import type { Static, TSchema } from 'typebox';
import { Value } from 'typebox/value';
import { LineCounter, parseDocument } from 'yaml';
import { checkDocument, type Problem } from './check.ts';

/** What is wrong with a configuration, one line a problem, each with file, line and key. */
export class ConfigError extends Error {
  readonly code = 'config';
  constructor(lines: readonly string[]) {
    super(lines.join('\n'));
    this.name = 'ConfigError';
  }
}

/** Reads, checks and completes a file with the schema's defaults. Throws ConfigError. */
export function loadConfig<S extends TSchema>(path: string, schema: S): Static<S> {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : error;
    throw new ConfigError([`${path} cannot be read (${code}): give a readable file to --config`]);
  }
  return parseConfig(text, path, schema);
}

/** The same for text; `name` stands before the line in messages. */
export function parseConfig<S extends TSchema>(text: string, name: string, schema: S): Static<S> {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const flaws = [...document.errors, ...document.warnings].map(({ code, message, pos }): Problem => {
    const line = lines.linePos(pos[0]).line;
    if (code !== 'DUPLICATE_KEY') return { line, message: `${message} (YAML)` };
    const key = /^[^\s:]+/.exec(text.slice(pos[0]))?.[0] ?? 'a key';
    return { line, message: `${key} stands twice in the same mapping: keep one` };
  });
  if (flaws.length > 0) throw new ConfigError(format(name, flaws));
  const { value, problems } = checkDocument(document, lines, schema);
  if (problems.length > 0) throw new ConfigError(format(name, problems));
  return complete(schema, value);
}

/** A configuration made of defaults and what is given. Throws when what is given breaks the schema. */
export function complete<S extends TSchema>(schema: S, value: unknown): Static<S> {
  return Value.Parse(schema, Value.Default(schema, value));
}

function format(name: string, problems: readonly Problem[]): string[] {
  return [...problems]
    .sort((a, b) => a.line - b.line)
    .map(({ line, message }) => `${name}:${line}: ${message.split('\n', 1)[0]}`);
}
