/**
 * Signatures of crashes: the same for all crashes of one bug, whatever the host, the build and the moment. They are versioned,
 * since a better idea of what is the same must not change the name of what was already seen. Pure.
 */
import { demangled } from './demangle.ts';
import type { Report } from './report.ts';

/** What signatures are made of. */
export type Signed = Pick<Report, 'bug' | 'guilty'> & {
  readonly frames: readonly { readonly function: string; readonly reliable: boolean }[];
};

export interface SignatureVersion {
  readonly version: number;
  /** What crashes have in common that share a signature of this version. */
  readonly meaning: string;
  /** The parts that are hashed, in order. */
  readonly parts: (signed: Signed) => readonly string[];
}

/** Frames after the guilty one that a signature of version 2 has besides. */
const CALLERS = 2;

/** All versions that can be made, the current one and those that are only previewed. */
export const signatureVersions: readonly SignatureVersion[] = [
  {
    version: 1,
    meaning: 'what happened, by its class, and where',
    parts: ({ bug }) => [bug],
  },
  {
    version: 2,
    meaning: 'what happened, by its class, where, and the two callers of that place',
    parts: (signed) => [signed.bug, ...callersOf(signed)],
  },
];

/** The version by which crashes are grouped. */
export const SIGNATURE_VERSION = 1;

/**
 * A crash's signature: "1:" and 16 hexadecimal digits, the version and a hash of its parts.
 * @param version one of {@link signatureVersions}; throws RangeError otherwise
 */
export function signatureOf(signed: Signed, version: number = SIGNATURE_VERSION): string {
  const known = signatureVersions.find((one) => one.version === version);
  if (!known) throw new RangeError(`no version ${version} of signatures`);
  return `${version}:${hash(known.parts(signed).join('\n'))}`;
}

function callersOf({ frames, guilty }: Signed): readonly string[] {
  if (guilty === null) return [];
  return frames
    .slice(guilty + 1)
    .filter(({ reliable }) => reliable)
    .slice(0, CALLERS)
    .map((frame) => plainFunction(frame.function));
}

/**
 * A function's own name, in its language: without the suffixes by which a compiler tells its copies and parts apart, as of
 * "foo.constprop.0.isra.1".
 */
export function plainFunction(name: string): string {
  const plain = name.replace(
    /(?:\.(?:isra|constprop|part|cold|llvm|lto_priv|localalias|clone|cfi|cfi_jt|\d{1,20}))+$/,
    '',
  );
  return demangled(plain);
}

const OFFSET_BASIS = 0xcbf29ce484222325n;
const PRIME = 0x100000001b3n;
const MASK = 0xffffffffffffffffn;

/** FNV-1a of 64 bits over UTF-8: names of bugs are few, and nobody gains by two that collide. */
function hash(text: string): string {
  let state = OFFSET_BASIS;
  for (const byte of new TextEncoder().encode(text)) state = ((state ^ BigInt(byte)) * PRIME) & MASK;
  return state.toString(16).padStart(16, '0');
}
