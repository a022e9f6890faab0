/** What the words of crashes mean: types, kinds, and the letters of a kernel's taint, as the collector tells them. */
import { get } from './elements.js';

/**
 * The types' meanings by name, { title, meaning, survived }, the taints' by letter, and the kinds that a kernel lives on
 * after. Asked anew each time, which costs the collector a 304: it may be of a newer release than the page's first look.
 */
export async function crashWords() {
  const { types, taints, survived_kinds } = await get('/crash-words.json');
  return {
    types: new Map(Object.entries(types)),
    taints: new Map(Object.entries(taints)),
    survivedKinds: new Set(survived_kinds),
  };
}

/** What a taint's letters mean, a phrase each; G only says that no module is proprietary. */
export function taintMeanings(flags, { taints }) {
  return [...flags].filter((flag) => flag !== 'G').map((flag) => taints.get(flag) ?? `taint ${flag}`);
}
