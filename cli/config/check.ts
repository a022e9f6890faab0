/**
 * Checks a YAML document against a schema while the lines are still known. A key that is unknown, stands twice or holds
 * a value of the wrong type or range becomes a problem with its line. Must not know where the text came from.
 */
import type { TSchema } from 'typebox';
import { Value } from 'typebox/value';
import { type Document, isAlias, isMap, isScalar, isSeq, type LineCounter, type Node } from 'yaml';
import { allowed, type JsonSchema } from './schema.ts';
import { suggest } from './suggest.ts';

export interface Problem {
  readonly line: number;
  readonly message: string;
}

export interface Checked {
  /** The value without defaults; to be used only when there are no problems. */
  readonly value: unknown;
  readonly problems: readonly Problem[];
}

/** Checks a whole document that parsed without errors. */
export function checkDocument(document: Document, lines: LineCounter, schema: TSchema): Checked {
  const problems: Problem[] = [];
  const walk = new Walk(document, lines, problems);
  const value = walk.check(schema as JsonSchema, document.contents as Node | null, '', 1);
  return { value, problems };
}

class Walk {
  private readonly document: Document;
  private readonly lines: LineCounter;
  private readonly problems: Problem[];

  constructor(document: Document, lines: LineCounter, problems: Problem[]) {
    this.document = document;
    this.lines = lines;
    this.problems = problems;
  }

  check(schema: JsonSchema, given: Node | null, path: string, parentLine: number): unknown {
    const node = given && isAlias(given) ? (given.resolve(this.document) ?? null) : given;
    const line = given?.range ? this.lines.linePos(given.range[0]).line : parentLine;
    if (schema.type === 'object') return this.checkMap(schema, node, path, line);
    if (schema.type === 'array') return this.checkList(schema, node, path, line);
    return this.checkScalar(schema, node, path, line);
  }

  /** A key with nothing after it, as is left when all below it is commented out, is an empty mapping or list. */
  private isBlank(node: Node | null): boolean {
    return node === null || (isScalar(node) && node.value === null);
  }

  private checkMap(schema: JsonSchema, node: Node | null, path: string, line: number): unknown {
    if (!isMap(node) && !this.isBlank(node)) return this.wrong(schema, node, path, line);
    const properties = schema.properties ?? {};
    const [other] = Object.entries(schema.patternProperties ?? {});
    const pattern = schema.propertyNames?.pattern ?? other?.[0];
    const value: Record<string, unknown> = Object.create(null);
    for (const pair of isMap(node) ? node.items : []) {
      const keyNode = pair.key as Node;
      const key = isScalar(keyNode) ? String(keyNode.value) : String(keyNode);
      const keyLine = keyNode.range ? this.lines.linePos(keyNode.range[0]).line : line;
      const below = path === '' ? key : `${path}.${key}`;
      const item = pair.value as Node | null;
      if (Object.hasOwn(properties, key)) {
        value[key] = this.check(properties[key]!, item, below, keyLine);
      } else if (other && new RegExp(pattern ?? '').test(key)) {
        value[key] = this.check(other[1], item, below, keyLine);
      } else {
        this.unknownKey(key, below, keyLine, Object.keys(properties), pattern);
      }
    }
    for (const key of schema.required ?? []) {
      if (key in value || properties[key]?.default !== undefined) continue;
      this.problem(
        line,
        `${path === '' ? 'the file' : path} lacks ${key}, ${allowed(properties[key] ?? {})}`,
      );
    }
    return value;
  }

  private checkList(schema: JsonSchema, node: Node | null, path: string, line: number): unknown {
    if (this.isBlank(node)) return [];
    if (!isSeq(node)) return this.wrong(schema, node, path, line);
    const { minItems = 0, maxItems = Number.POSITIVE_INFINITY } = schema;
    if (node.items.length < minItems || node.items.length > maxItems) {
      const wanted = node.items.length < minItems ? `at least ${minItems}` : `at most ${maxItems}`;
      this.problem(line, `${path} has ${node.items.length} items, not ${wanted}`);
    }
    return node.items.map((item, i) =>
      this.check(schema.items ?? {}, item as Node | null, `${path}[${i}]`, line),
    );
  }

  private checkScalar(schema: JsonSchema, node: Node | null, path: string, line: number): unknown {
    if (node !== null && !isScalar(node)) return this.wrong(schema, node, path, line);
    const value = node === null ? null : node.value;
    return Value.Check(schema as TSchema, value) ? value : this.wrong(schema, node, path, line);
  }

  private wrong(schema: JsonSchema, node: Node | null, path: string, line: number): null {
    const found = isMap(node)
      ? 'a mapping'
      : isSeq(node)
        ? 'a list'
        : isScalar(node) && node.value !== null
          ? show(node.value)
          : 'empty';
    this.problem(line, `${path === '' ? 'the file' : path} is ${found}, not ${allowed(schema)}`);
    return null;
  }

  private unknownKey(key: string, path: string, line: number, known: readonly string[], pattern?: string) {
    const near = suggest(key, known);
    const hint = near === null ? '' : ` (did you mean ${near}?)`;
    const choices = [...known, ...(pattern === undefined ? [] : [`keys that match ${pattern}`])];
    this.problem(line, `${path} is not a known key${hint}; allowed: ${choices.join(', ') || 'none'}`);
  }

  private problem(line: number, message: string): void {
    this.problems.push({ line, message });
  }
}

function show(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 60 ? `${text.slice(0, 59)}…` : text;
}
