/** Describes configuration schemas as Markdown. Pure; must not know any particular configuration. */
import type { TSchema } from 'typebox';
import { allowed, type JsonSchema } from './schema.ts';

interface Row {
  readonly key: string;
  readonly schema: JsonSchema;
  readonly required: boolean;
}

/** A section: its heading, what the schema says of itself, and a table of all keys, the nested ones with their paths. */
export function describeSchema(heading: string, schema: TSchema): string {
  const { description } = schema as JsonSchema;
  const rows = [...flatten('', schema as JsonSchema)];
  const table = rows.map(({ key, schema, required }) => {
    const fallback = required ? '**required**' : schema.default === undefined ? '' : code(schema.default);
    return `| \`${key}\` | ${cell(allowed(schema))} | ${fallback} | ${cell(schema.description ?? '')} |`;
  });
  return [
    `## ${heading}`,
    ...(description === undefined ? [] : [description]),
    ['| key | takes | default | |', '| --- | --- | --- | --- |', ...table].join('\n'),
  ].join('\n\n');
}

function* flatten(path: string, schema: JsonSchema): Generator<Row> {
  for (const [name, property] of Object.entries(schema.properties ?? {})) {
    const key = path === '' ? name : `${path}.${name}`;
    const required = property.default === undefined && (schema.required ?? []).includes(name);
    yield* describe(key, property, required);
  }
}

function* describe(key: string, schema: JsonSchema, required: boolean): Generator<Row> {
  if (schema.properties) {
    if (schema.description !== undefined) yield { key, schema: withoutDefault(schema), required: false };
    yield* flatten(key, schema);
  } else if (schema.items?.properties) {
    yield { key, schema, required };
    yield* flatten(`${key}[]`, schema.items);
  } else {
    yield { key, schema, required };
  }
}

/** That a section defaults to itself is no news. */
function withoutDefault({ default: _, ...schema }: JsonSchema): JsonSchema {
  return schema;
}

function code(value: unknown): string {
  return `\`${JSON.stringify(value)}\``;
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('\n', ' ');
}
