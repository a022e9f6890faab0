export { type AdmissionLimits, Bucket } from './admission.ts';
export type { HeardCrash, HeardEvents, Reassembly } from './heard.ts';
export { KmsgRecord, MOST_KMSG_BYTES } from './kmsg.ts';
export { type LogLine, readLine } from './line.ts';
export { type CrashLog, type Hole, type MarkedText, markedText } from './log.ts';
export { holeMark, readMarked, unlistedMark, WRAP_MARK } from './marks.ts';
export { NETCONSOLE_PORT } from './netconsole/packet.ts';
export { NetconsoleReassembly } from './netconsole/reassembly.ts';
export { NETOOPS_PORT } from './netoops/packet.ts';
export { NetoopsReassembly } from './netoops/reassembly.ts';
export {
  CONSOLE,
  groupPstore,
  HEAD_BYTES,
  joinPstore,
  type PstoreDump,
  type PstoreFile,
  readPstoreName,
} from './pstore.ts';
export { withoutControls } from './report/lines.ts';
export { PARSER_VERSION, readCrash } from './report/parse.ts';
export type { Extent, Frame, OtherReport, Report, Taint } from './report/report.ts';
export {
  plainFunction,
  SIGNATURE_VERSION,
  type Signed,
  signatureOf,
  signatureVersions,
} from './report/signature.ts';
export { taintMeanings, taints } from './report/taint.ts';
export { type CrashType, type CrashTypeMeaning, crashTypes } from './report/types.ts';
export type { SenderKey } from './senders.ts';
export {
  type Beginning,
  type Claims,
  claimsOf,
  EPISODE_GAP_US,
  endsInTrouble,
  isGraver,
  isLast,
  isMark,
  isSurvived,
  lastBeginning,
  lastUptimeUs,
  mayBeTrouble,
  SURVIVED,
  type TroubleKind,
  troubleIn,
} from './trouble.ts';
