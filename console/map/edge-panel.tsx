import { decidingStep, describeStep, readTrace } from '../policies/trace.js';
import { TraceView } from '../policies/trace-view.js';
import { usePolicies } from '../policies/use-policies.js';
import { useAnswer } from '../api/use-answer.js';
import { AnswerView } from '../api/answer-view.js';
import { usePageLink, usePageState } from '../host/page-state.js';
import { type Flow, portName, protocolName } from '../records/flow.js';
import { formatBytes, formatCount, formatMicros } from '../records/quantity.js';
import { Button, LinkButton, Stack } from '../kit/ui.js';
import { withCondition } from '../filter/conditions.js';
import { edgeFilter } from './conditions.js';
import type { GraphEdge, GraphNode } from './graph.js';
import { nodeTitle } from './node-title.js';

interface Properties {
  readonly edge: GraphEdge;
  readonly nodes: ReadonlyMap<string, GraphNode>;
  readonly onClose: () => void;
}

/** The numbers of an edge, and, if connections were denied, the rule that denied the latest one. */
export function EdgePanel({ edge, nodes, onClose }: Properties) {
  const [{ filter }] = usePageState();
  const link = usePageLink();
  const source = nodes.get(edge.source);
  const target = nodes.get(edge.target);
  if (!source || !target) return null;
  const ownFilter = edgeFilter(edge, nodes);
  const flowsFilter =
    ownFilter === undefined ? undefined : withCondition(ownFilter, filter).replace(/ && $/, '');
  const reached = edge.ports.find((one) => one.port !== undefined) ?? edge.ports[0];
  return (
    <aside aria-label="Edge">
      <Stack alignItems="center" justifyContent="space-between">
        <h3>
          {nodeTitle(source)} → {nodeTitle(target)}
        </h3>
        <Button size="sm" fill="text" icon="times" aria-label="Close" onClick={onClose} />
      </Stack>
      <dl>
        <Fact
          name="Ports"
          value={edge.ports.map(({ protocol, port }) => portName(protocol, port)).join(', ')}
        />
        <Fact
          name="Flows"
          value={`${formatCount(edge.allowed)} allowed, ${formatCount(edge.denied)} denied, ${formatCount(edge.unknown)} unknown`}
        />
        <Fact
          name="Contradictions"
          value={edge.contradictions === 0 ? '' : formatCount(edge.contradictions)}
        />
        <Fact name="Connections" value={formatCount(edge.connections)} />
        <Fact name="Bytes" value={`${formatBytes(edge.bytesOut)} out, ${formatBytes(edge.bytesIn)} in`} />
        <Fact name="RTT p95" value={formatMicros(edge.rttP95Micros)} />
        <Fact name="Refused or unanswered" value={formatCount(edge.errors)} />
        <Fact name="Dropped packets" value={formatCount(edge.droppedPackets)} />
        <Fact name="Retransmits" value={formatCount(edge.retransmits)} />
      </dl>
      <Stack gap={1} wrap="wrap">
        {flowsFilter !== undefined && (
          <LinkButton size="sm" icon="list-ul" href={link('flows', { filter: flowsFilter })}>
            Flows
          </LinkButton>
        )}
        <LinkButton
          size="sm"
          variant="secondary"
          icon="question-circle"
          href={link('diagnose', {
            values: {
              src: diagnoseName(source),
              dst: diagnoseName(target),
              protocol: reached && protocolName(reached.protocol),
              port: reached?.port?.toString(),
            },
          })}
        >
          Diagnose
        </LinkButton>
      </Stack>
      {edge.denied > 0 && flowsFilter !== undefined && (
        <Denial filter={`${flowsFilter} && action == "deny"`} />
      )}
    </aside>
  );
}

/** The rule that denied the latest flow of a filter. */
function Denial({ filter }: { readonly filter: string }) {
  const [{ range }] = usePageState();
  const answer = useAnswer(JSON.stringify(['denial', range, filter]), (query, signal) =>
    query.get<{ flows: Flow[] }>('/api/v1/flows', { ...range, filter, limit: 1 }, signal),
  );
  const flow = answer.data?.flows[0];
  const policies = usePolicies(range, flow?.cluster);
  return (
    <AnswerView answer={answer} what="the denied flow">
      {() => {
        if (!flow) return <p>No denied flow in the time range.</p>;
        const sides = readTrace(flow.policies, flow);
        const step = decidingStep(sides);
        return (
          <>
            <h4>{step ? `Denied: ${describeStep(step)}` : 'Denied'}</h4>
            <TraceView sides={sides} overview={policies.data} />
          </>
        );
      }}
    </AnswerView>
  );
}

function Fact({ name, value }: { readonly name: string; readonly value: string }) {
  if (value === '') return null;
  return (
    <div style={{ display: 'grid', gridTemplateColumns: '170px 1fr' }}>
      <dt style={{ fontWeight: 'normal' }}>{name}</dt>
      <dd style={{ margin: 0 }}>{value}</dd>
    </div>
  );
}

/** A node as the Diagnose page takes it. */
function diagnoseName({ kind, namespace, name }: GraphNode): string {
  if (kind === 'service') return `service/${namespace}/${name}`;
  return kind === 'workload' ? `${namespace}/${name}` : name;
}
