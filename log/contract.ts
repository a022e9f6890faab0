/**
 * The contract of the log as one test suite: every implementation runs it, so that what agents and collectors rely on
 * holds whichever of them is underneath.
 */

import { afterEach, beforeEach, describe } from 'vitest';
import { appending } from './contract/appending.ts';
import type { Bed, Traits } from './contract/bed.ts';
import { blobs } from './contract/blobs.ts';
import { evidence } from './contract/evidence.ts';
import { lostAcknowledgements } from './contract/lost-acknowledgements.ts';
import { model } from './contract/model.ts';
import { reading } from './contract/reading.ts';
import { watching } from './contract/watching.ts';

/** @param makeBed makes an empty log for one test */
export function logContract(name: string, traits: Traits, makeBed: () => Promise<Bed>): void {
  describe(name, () => {
    let bed: Bed;
    beforeEach(async () => {
      bed = await makeBed();
    });
    afterEach(() => bed.end());
    const current = () => bed;
    describe('appending', () => appending(current, traits));
    describe('lost acknowledgements', () => lostAcknowledgements(current));
    describe('reading', () => reading(current));
    describe('watching', () => watching(current));
    describe('blobs', () => blobs(current, traits, 'blobs'));
    describe('evidence', () => {
      blobs(current, traits, 'evidence');
      evidence(current, traits);
    });
    describe('model', () => model(makeBed, traits));
  });
}
