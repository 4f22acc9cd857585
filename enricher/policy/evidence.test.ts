import { observedFlows, type ObservedFlowRow } from '@sonde/test/builders/observed-flows';
import { ColumnMemory } from '@sonde/model/record/column-memory';
import { enumerationNumber, enumerationValue, type EnumerationValue } from '@sonde/model/flow/enumerations';
import { describe, expect, it } from 'vitest';
import { UNEXPLAINED } from './contradiction-reasons.js';
import { compareWithEvidence } from './evidence.js';

/** What is said of one flow, when policies say `action` of it. */
function evaluated(row: ObservedFlowRow, action: EnumerationValue<'action'> = 'unknown') {
  const { columns } = observedFlows([row]);
  const { evidence, contradiction } = compareWithEvidence(
    columns,
    Uint8Array.of(enumerationNumber('action', action)),
    () => UNEXPLAINED,
    new ColumnMemory(),
  );
  return { evidence: enumerationValue('evidence', evidence[0] ?? -1), contradiction: contradiction[0] === 1 };
}

const answered: ObservedFlowRow = { connection_state: 'established', packets_in: 5 };
const dropped: ObservedFlowRow = {
  connection_state: 'unanswered',
  dropped_packets: 2,
  drop_reason: 'NETFILTER_DROP',
};

describe('the evidence of the wire', () => {
  it.each([
    ['an answer', answered, 'delivered'],
    ['an answer, with some packets dropped', { ...answered, dropped_packets: 1 }, 'delivered'],
    [
      'a standing connection without an answer in this window',
      { connection_state: 'established' },
      'delivered',
    ],
    ['a reset in answer to the SYN', { connection_state: 'refused', packets_in: 1 }, 'refused'],
    ['a SYN without an answer', { connection_state: 'unanswered' }, 'unanswered'],
    ['a SYN that was dropped', dropped, 'dropped'],
    ['a datagram without an answer', { connection_state: 'stateless' }, 'unanswered'],
    ['a datagram that was dropped', { connection_state: 'stateless', dropped_packets: 1 }, 'dropped'],
  ] satisfies [string, ObservedFlowRow, string][])('of %s', (_, row, evidence) => {
    expect(evaluated(row).evidence).toBe(evidence);
  });
});

describe('policies and the wire contradict each other', () => {
  it('where a denied connection was answered', () => {
    expect(evaluated(answered, 'deny').contradiction).toBe(true);
  });

  it('where an allowed connection was dropped by enforcement', () => {
    expect(evaluated(dropped, 'allow').contradiction).toBe(true);
  });

  it.each([
    ['an allowed connection was answered', answered, 'allow'],
    ['a denied connection was dropped', dropped, 'deny'],
    [
      'an allowed connection was dropped for want of a socket',
      { ...dropped, drop_reason: 'NO_SOCKET' },
      'allow',
    ],
    [
      'nobody can tell who refused a denied connection',
      { connection_state: 'refused', packets_in: 1 },
      'deny',
    ],
    ['policies say nothing', dropped, 'unknown'],
  ] satisfies [string, ObservedFlowRow, EnumerationValue<'action'>][])(
    'but not where %s',
    (_, row, action) => {
      expect(evaluated(row, action).contradiction).toBe(false);
    },
  );
});
