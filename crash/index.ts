export { type LogLine, readLine } from './line.ts';
export type { CrashLog, Hole } from './log.ts';
export {
  type Beginning,
  type Claims,
  claimsOf,
  EPISODE_GAP_US,
  endsInTrouble,
  isLast,
  isMark,
  lastBeginning,
  lastUptimeUs,
  mayBeTrouble,
  type TroubleKind,
  troubleIn,
} from './trouble.ts';
