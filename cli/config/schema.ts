/**
 * TypeBox schemas as what they are at run time, JSON Schema, and words for what a schema allows.
 * This file must not know any particular configuration.
 */

/** The part of JSON Schema that Netfall's configurations use. */
export interface JsonSchema {
  readonly type?: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly examples?: readonly unknown[];
  readonly enum?: readonly unknown[];
  /** A union of constants, which is all that unions are used for. */
  readonly anyOf?: readonly { readonly const?: unknown }[];
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly required?: readonly string[];
  readonly patternProperties?: Readonly<Record<string, JsonSchema>>;
  /** With patternProperties: what all keys have to match. */
  readonly propertyNames?: JsonSchema;
  readonly items?: JsonSchema;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly pattern?: string;
}

/** What a schema allows, to follow "is 0, not …": "an integer from 1 to 1000". */
export function allowed(schema: JsonSchema): string {
  const constants = schema.enum ?? schema.anyOf?.map((variant) => variant.const);
  if (constants?.length === 1) return String(constants[0]);
  if (constants) return `one of ${constants.join(', ')}`;
  switch (schema.type) {
    case 'integer':
      return `an integer${range(schema)}`;
    case 'number':
      return `a number${range(schema)}`;
    case 'boolean':
      return 'true or false';
    case 'array':
      return 'a list';
    case 'object':
      return schema.propertyNames?.pattern === undefined
        ? 'a mapping'
        : `a mapping whose keys match ${schema.propertyNames.pattern}`;
    case 'string':
      return text(schema);
    default:
      return 'what is allowed';
  }
}

function range({ minimum, maximum }: JsonSchema): string {
  if (minimum !== undefined && maximum !== undefined) return ` from ${minimum} to ${maximum}`;
  if (minimum !== undefined) return ` of at least ${minimum}`;
  return maximum !== undefined ? ` of at most ${maximum}` : '';
}

function text({ examples, pattern, minLength, maxLength }: JsonSchema): string {
  if (examples?.[0] !== undefined) return `text like ${JSON.stringify(examples[0])}`;
  if (pattern !== undefined) return `text that matches ${pattern}`;
  if (maxLength !== undefined) return `text of ${minLength ?? 0} to ${maxLength} characters`;
  return minLength ? 'text that is not empty' : 'text (quote it when it looks like a number)';
}
