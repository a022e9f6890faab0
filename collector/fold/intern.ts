/**
 * One copy of strings that many hosts share: reasons, functions, kernels, drivers. Saves memory and nothing else: which
 * copy a record holds never shows.
 */
export type Intern = (text: string) => string;

/** More different strings than a fleet shares; beyond that the table begins anew. */
const MOST = 100_000;

export function interner(): Intern {
  const known = new Map<string, string>();
  return (text) => {
    const copy = known.get(text);
    if (copy !== undefined) return copy;
    if (known.size >= MOST) known.clear();
    known.set(text, text);
    return text;
  };
}
