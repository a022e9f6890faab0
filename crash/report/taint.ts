/**
 * What the letters of a kernel's taint mean: Documentation/admin-guide/tainted-kernels.rst, in other words. Pure.
 */

/** G is not among them: it only says that no module is proprietary. */
export const taints: Readonly<Record<string, string>> = {
  P: 'a proprietary module was loaded',
  F: 'a module was forced to load',
  S: 'the kernel runs on hardware, or in a way, that it is not made for',
  R: 'a module was forced to unload',
  M: 'a machine check was reported',
  B: 'a page was bad, or a page flag unexpected',
  U: 'a process asked for the taint',
  D: 'the kernel died before: an oops or a BUG',
  A: 'an ACPI table was overridden',
  W: 'the kernel warned before',
  C: 'a staging driver was loaded',
  I: 'a bug of the firmware is worked around',
  O: 'a module from outside the kernel was loaded',
  E: 'an unsigned module was loaded',
  L: 'there was a soft lockup before',
  K: 'the kernel was patched live',
  X: "the distribution's own taint",
  T: 'the kernel was built with a randomised layout of structures',
  N: 'a test of the kernel itself was run',
  J: 'a device was changed through fwctl',
};

/** What the letters mean, a phrase each, in their order. @param flags letters without blanks: "GWOE" */
export function taintMeanings(flags: string): readonly string[] {
  return [...flags].flatMap((flag) => (flag === 'G' ? [] : [taints[flag] ?? `taint ${flag}`]));
}
