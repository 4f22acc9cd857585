import { createLogger } from '@sonde/backbone/logging';
import { enrich } from '@sonde/enricher/pipeline/enrich';
import { LiveContext } from '@sonde/enricher/pipeline/context';
import { followCluster } from '@sonde/enricher/watch/follow-cluster';
import { plainKubeConfig } from '@sonde/backbone/kubernetes/kube-config';
import { flowRow } from '@sonde/model/flow/records';
import { expect, it, vi } from 'vitest';
import { batchOf } from '../builders/batch.js';
import { observedFlows } from '../builders/observed-flows.js';
import { buildPod } from '../builders/pod.js';
import { eventually } from '../eventually.js';
import { BUILT_IN_PATHS, FakeApiServer } from './fake-api-server.js';

const CILIUM = '/apis/cilium.io/v2/ciliumnetworkpolicies';
const START = Date.parse('2026-01-01T00:00:00Z');
const policy = (name: string) => ({
  ...{ apiVersion: 'cilium.io/v2', kind: 'CiliumNetworkPolicy', metadata: { name, namespace: 'default' } },
});

it('shows verdicts as unknown, with the reason, while the cluster has Cilium policies, and logs it once', async () => {
  const server = new FakeApiServer(BUILT_IN_PATHS);
  await server.start();
  server.put('/api/v1/pods', buildPod({ name: 'web', ip: '10.1.0.1', startMs: START }));
  server.put('/api/v1/pods', buildPod({ name: 'api', ip: '10.1.0.2', startMs: START }));
  const context = new LiveContext();
  const stop = new AbortController();
  const log = createLogger('test', 'silent');
  const warn = vi.spyOn(log, 'warn');
  const kubeConfig = plainKubeConfig(server.url, '');
  const followed = followCluster({
    ...{
      context,
      kubeConfig,
      manifests: [],
      log,
      signal: stop.signal,
      intervals: { discoveryMs: 20 },
    },
  });
  const verdict = () => {
    const flow = {
      src_ip: '10.1.0.1',
      dst_ip: '10.1.0.2',
      protocol: 6,
      dst_port: 80,
      start_time: START + 5000,
    };
    const { columns } = enrich([{ batch: batchOf(observedFlows([flow])), partition: 0, offset: 0 }], context);
    const { action, policies, pending_policies } = flowRow(columns, 0);
    return { action, policies, pending_policies };
  };
  try {
    await followed.ready;
    const evaluated = verdict();
    expect(evaluated.action).toBe('allow');

    server.serve(CILIUM);
    for (const name of ['one', 'two']) server.put(CILIUM, policy(name));
    const reason = '0|unsupported|unsupported:CiliumNetworkPolicy.cilium.io|unknown|-2';
    await eventually(() =>
      expect(verdict()).toEqual({ action: 'unknown', policies: reason, pending_policies: reason }),
    );
    expect(context.unevaluatedPolicyKinds).toEqual([
      { kind: 'CiliumNetworkPolicy.cilium.io', reason: 'unsupported' },
    ]);
    const warnings = () => warn.mock.calls.filter(([, message]) => message?.includes('not evaluated'));
    await eventually(() => expect(warnings()).toHaveLength(1));

    for (const name of ['one', 'two']) server.delete(CILIUM, policy(name));
    await eventually(() => expect(verdict()).toEqual(evaluated));
    expect(warnings()).toHaveLength(1);
  } finally {
    stop.abort();
    await followed.ended;
    await server.stop();
  }
});
