import { mergeConfig } from 'vitest/config';
import shared from '../vitest.shared.ts';

/** Tests here start processes, engines and labs, slowly on a busy machine: only what hangs is to run out of time. */
export default mergeConfig(shared, { test: { testTimeout: 120_000, hookTimeout: 240_000 } });
