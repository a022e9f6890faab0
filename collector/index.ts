export type { ChangeView } from './api/change-view.ts';
export type {
  CrashGroup,
  CrashShare,
  SignatureChange,
  SignatureCount,
  SignaturePreview,
} from './api/crash-groups.ts';
export type { CrashLog, LogReport } from './api/crash-log.ts';
export type { IncidentView } from './api/incident-view.ts';
export type { SilenceState, SilenceView } from './api/silence-view.ts';
export type { SwitchView } from './api/switch-view.ts';
export { type Collector, type CollectorOptions, startCollector } from './collector.ts';
export { CollectorConfig, foldConfig } from './config.ts';
export { EpochBarrier, Fold, type FoldEntry } from './fold/fold.ts';
export type {
  AttributeValue,
  Crash,
  CrashMismatch,
  CrashRecord,
  HostView,
  Incident,
  IncidentHost,
  IncidentSample,
  IncidentState,
  Notification,
  RecordReading,
  Signal,
} from './fold/model.ts';
export { currentRules, rulesWith } from './rules.ts';
export type { ReplicaStatus } from './status.ts';
