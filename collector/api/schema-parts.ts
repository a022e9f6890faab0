/** What schemas of the API are put together from. */
import Type, { type TUnsafe } from 'typebox';

export const micros = (description: string) =>
  Type.Integer({ minimum: 0, description: `${description} Microseconds since the Unix epoch.` });
export const count = (description: string) => Type.Integer({ minimum: 0, description });
export const text = (description: string) => Type.String({ description });
export const oneOf = <const Values extends readonly string[]>(values: Values, description: string) =>
  Type.Unsafe<Values[number]>({ type: 'string', enum: [...values], description });

/** The names of hosts in requests. */
export const HostId = Type.String({
  pattern: '^[A-Za-z0-9_-]{1,64}$',
  description: 'A host, as its agent names it.',
});

/** A reference to one of the shared schemas. */
export function ref<T>(id: string): TUnsafe<T> {
  return Type.Unsafe<T>({ $ref: `${id}#` });
}
