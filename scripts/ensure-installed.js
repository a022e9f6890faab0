/**
 * Runs before `npm start` and `npm test`, so that both work from a bare clone: installs the dependencies when they are
 * missing or older than the lock file, and with --tools the programs that some test suites start.
 * Runs on the machine's own Node (20 or newer) and must import nothing but node:.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { accessSync, constants, mkdirSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const say = (text) => console.log(`netfall: ${text}`);

/** When a file was last written, or 0 when there is none. */
function written(path) {
  return statSync(join(root, path), { throwIfNoEntry: false })?.mtimeMs ?? 0;
}

function run(command, args, env = {}) {
  const { status } = spawnSync(command, args, {
    cwd: root,
    stdio: ['ignore', 'inherit', 'inherit'],
    env: { ...process.env, ...env },
  });
  return status === 0;
}

function installDependencies() {
  if (written('node_modules/.package-lock.json') >= written('package-lock.json')) return;
  say('installing the dependencies that package-lock.json names, Node 24 among them (npm ci) ...');
  // Said outright because NODE_ENV=production and npm's "omit" setting leave out what starts and tests need.
  const options = ['--include=dev', '--include=optional', '--no-audit', '--no-fund', '--loglevel=error'];
  const npm = process.env.npm_execpath;
  const installed = npm?.endsWith('.js')
    ? run(process.execPath, [npm, 'ci', ...options])
    : run('npm', ['ci', ...options]);
  if (!installed) {
    say('npm ci failed: see its messages above; it needs a package registry that it can reach');
    process.exit(1);
  }
}

/** Whether the program is there, and as it has to be. Tests look in the same places: see vitest.config.ts. */
function find(program, suits = () => true) {
  const directories = [
    ...(process.env.PATH ?? '').split(delimiter),
    '/usr/sbin',
    '/sbin',
    join(homedir(), 'go/bin'),
    join(root, '.tools/bin'),
  ];
  return directories.some((directory) => {
    const path = join(directory, program);
    try {
      accessSync(path, constants.X_OK);
      return suits(path);
    } catch {
      return false;
    }
  });
}

/** Debian 12 has a nats-server that is too old for the tests. */
function isNewNatsServer(path) {
  const output = execFileSync(path, ['--version'], { encoding: 'utf8' });
  const [, major, minor] = /v(\d+)\.(\d+)\./.exec(output) ?? [];
  return Number(major) > 2 || (Number(major) === 2 && Number(minor) >= 10);
}

const apt = ['-o', 'Dpkg::Use-Pty=0', '-qq', '-y', '--no-install-recommends', 'install'];
const quiet = { DEBIAN_FRONTEND: 'noninteractive' };

function aptInstall(packages) {
  if (process.getuid?.() !== 0 || !find('apt-get')) return false;
  say(`installing ${packages.join(' ')} for the tests (apt-get install) ...`);
  // A bare machine has no package lists yet.
  return (
    run('apt-get', [...apt, ...packages], quiet) ||
    (run('apt-get', ['-qq', 'update'], quiet) && run('apt-get', [...apt, ...packages], quiet))
  );
}

function goInstall(module) {
  if (!find('go')) return false;
  say(`installing ${module} into .tools/bin (go install) ...`);
  const bin = join(root, '.tools/bin');
  mkdirSync(bin, { recursive: true });
  return run('go', ['install', module], { GOBIN: bin });
}

/** What test suites start, the Debian package that has it, and where Go can build it from. */
const tools = [
  {
    name: 'nats-server 2.10 or newer',
    found: () => find('nats-server', isNewNatsServer),
    package: 'nats-server',
    module: 'github.com/nats-io/nats-server/v2@latest',
  },
  { name: 'ip', found: () => find('ip'), package: 'iproute2' },
  { name: 'setpriv', found: () => find('setpriv'), package: 'util-linux' },
  { name: 'qemu-system-x86_64', found: () => find('qemu-system-x86_64'), package: 'qemu-system-x86' },
  { name: 'modprobe', found: () => find('modprobe'), package: 'kmod' },
  { name: 'gcc', found: () => find('gcc'), package: 'gcc' },
  { name: 'make', found: () => find('make'), package: 'make' },
  { name: 'mkfs.ext4', found: () => find('mkfs.ext4'), package: 'e2fsprogs' },
  {
    name: 'chromium',
    found: () => ['chromium', 'chromium-browser', 'google-chrome'].some((program) => find(program)),
    package: 'chromium',
  },
  { name: 'dropwatch', found: () => find('dropwatch'), package: 'dropwatch' },
  { name: 'nft', found: () => find('nft'), package: 'nftables' },
  { name: 'tshark', found: () => find('tshark') && find('capinfos'), package: 'tshark' },
];

function installTools() {
  const wanted = tools.filter(({ found }) => !found());
  if (wanted.length > 0) aptInstall(wanted.map((tool) => tool.package));
  for (const { name, found, package: debian, module } of wanted) {
    if (found() || (module && goInstall(module))) continue;
    say(`${name} is missing, so suites that need it are skipped; on Debian: apt-get install ${debian}`);
  }
}

const major = Number(process.versions.node.split('.')[0]);
if (major < 20) {
  say(`Node ${process.versions.node} is too old to install with: use Node 20 or newer`);
  process.exit(1);
}
installDependencies();
if (process.argv.includes('--tools')) installTools();
