/** What the words of crashes mean: types, and the letters of a kernel's taint, as the collector tells them. */
import { get } from './elements.js';

let words = null;

/** The types' meanings by name, { title, meaning, survived }, and the taints' by letter. */
export function crashWords() {
  words ??= get('/crash-words.json').catch((error) => {
    words = null;
    throw error;
  });
  return words;
}

/** What a taint's letters mean, a phrase each; G only says that no module is proprietary. */
export function taintMeanings(flags, { taints }) {
  return [...flags].filter((flag) => flag !== 'G').map((flag) => taints[flag] ?? `taint ${flag}`);
}
