/** A decoded message as plain data: prototypes' defaults made its own, absent messages left out. */
export function plain(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== 'object' || value === null) return value;
  if (value instanceof Uint8Array) return Uint8Array.from(value);
  const out: Record<string, unknown> = {};
  // Inherited too: that is where protobufjs keeps defaults.
  for (const key in value) {
    const part: unknown = Reflect.get(value, key);
    if (part !== null && part !== undefined) out[key] = plain(part);
  }
  return out;
}
