/**
 * Adds to package-lock.json the packages for other platforms that npm left out; with --check it only says whether any is
 * missing. A registry that lacks a platform's package makes `npm install` forget it in the lock, after which `npm ci`
 * refuses the lock everywhere. The entries name version and platform, which is all that npm needs to pass them over.
 */
import { readFileSync, writeFileSync } from 'node:fs';

const path = new URL('../package-lock.json', import.meta.url);
const lock = JSON.parse(readFileSync(path, 'utf8'));

const systems = [
  'aix',
  'android',
  'darwin',
  'freebsd',
  'linux',
  'netbsd',
  'openbsd',
  'openharmony',
  'sunos',
  'win32',
];
const processors = [
  ['arm64', 'arm64'],
  ['aarch64', 'arm64'],
  ['x64', 'x64'],
  ['ia32', 'ia32'],
  ['arm', 'arm'],
  ['armv7', 'arm'],
  ['loong64', 'loong64'],
  ['mips64el', 'mips64el'],
  ['ppc64', 'ppc64'],
  ['riscv64', 'riscv64'],
  ['s390x', 's390x'],
];

/** What npm would have read from the package: native packages carry their platform in the name. */
function platform(name) {
  const words = name.split(/[^a-z0-9]+/);
  const os = systems.filter((system) => words.includes(system));
  const cpu = processors.find(([word]) => words.includes(word))?.slice(1);
  const libc = words.some((word) => word.startsWith('musl')) ? ['musl'] : undefined;
  return os.length > 0 && cpu ? { ...(libc && { libc }), cpu, os } : null;
}

const missing = {};
for (const [at, { optionalDependencies = {}, dev }] of Object.entries(lock.packages)) {
  for (const [name, version] of Object.entries(optionalDependencies)) {
    const places = [`${at}/node_modules/${name}`, `node_modules/${name}`];
    if (places.some((place) => place in lock.packages) || !/^\d/.test(version)) continue;
    const where = platform(name);
    if (where) missing[`node_modules/${name}`] = { version, ...where, ...(dev && { dev }), optional: true };
  }
}

const names = Object.keys(missing);
if (names.length > 0 && process.argv.includes('--check')) {
  console.error(`package-lock.json lacks ${names.join(', ')}: run "node scripts/complete-lock.js"`);
  process.exitCode = 1;
} else if (names.length > 0) {
  const sorted = Object.entries({ ...lock.packages, ...missing }).sort(([a], [b]) => (a < b ? -1 : 1));
  writeFileSync(path, `${JSON.stringify({ ...lock, packages: Object.fromEntries(sorted) }, null, 2)}\n`);
  console.log(`added ${names.length} packages to package-lock.json`);
}
