/** Captures of dropped packets, for the command line. */
export { captureByDropMonitor } from '../sources/drop-monitor/capture.ts';
export { captureByKfreeSkb } from '../sources/kfree-skb/capture.ts';
export { CaptureFilter, FilterError, type FilterOptions } from './filter.ts';
export { type CaptureCounts, CaptureSession, type CaptureSource } from './session.ts';
