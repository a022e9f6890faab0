/** The program's own log: JSON lines on standard error, since standard output is for results. */
import { type Logger, pino } from 'pino';
import { CommandError } from '../errors.ts';

const LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'];

/** `level` unless NETFALL_LOG_LEVEL says otherwise. */
export function createLogger(level: 'info' | 'warn', env = process.env): Logger {
  const wanted = env['NETFALL_LOG_LEVEL'] ?? level;
  if (!LEVELS.includes(wanted)) {
    throw new CommandError(`NETFALL_LOG_LEVEL is ${wanted}: give one of ${LEVELS.join(', ')}`);
  }
  return pino({ level: wanted, base: null }, pino.destination({ dest: 2, sync: true }));
}
