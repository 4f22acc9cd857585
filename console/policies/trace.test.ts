import { describe, expect, it } from 'vitest';
import { decidingStep, describeStep, readTrace } from './trace.js';

const pods = { src_kind: 'pod', dst_kind: 'pod' };

describe('the trace of a flow', () => {
  it('splits into egress at the client and ingress at the server', () => {
    const sides = readTrace(
      '0|platform|gnp:pass|pass|0,1|default|np:a/x|allow|2,0|security|gnp:pci|deny|1',
      pods,
    );
    expect(sides.map(({ direction, steps }) => [direction, steps.length])).toEqual([
      ['egress', 2],
      ['ingress', 1],
    ]);
    expect(decidingStep(sides)).toMatchObject({ policy: 'gnp:pci', action: 'deny', direction: 'ingress' });
  });

  it('belongs to the pod where only one end is a pod', () => {
    expect(
      readTrace('0|default|np:a/x|allow|0', { src_kind: 'external', dst_kind: 'pod' })[0]?.direction,
    ).toBe('ingress');
  });

  it('is empty where no policy applies', () => {
    expect(readTrace('', pods)).toEqual([]);
  });
});

it.each([
  ['np:shop/default.web|deny|1', 'denied by shop/default.web, rule 1'],
  ['gnp:security.pass|deny|-1', 'denied by security.pass, no rule matched (end of tier)'],
])('describes %s in words', (text, words) => {
  const [step] = readTrace(`0|t|${text}`, pods)[0]?.steps ?? [];
  expect(step && describeStep(step)).toBe(words);
});
