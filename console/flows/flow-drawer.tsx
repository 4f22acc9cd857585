import { css } from '@emotion/css';
import type { GrafanaTheme2 } from '@grafana/data';
import { equals, quoted } from '../filter/conditions.js';
import { useHost } from '../host/host.js';
import { usePageLink } from '../host/page-state.js';
import { TraceView } from '../policies/trace-view.js';
import { decidingStep, describeStep, readTrace } from '../policies/trace.js';
import { usePolicies } from '../policies/use-policies.js';
import {
  endpointCondition,
  endpointName,
  type Flow,
  portName,
  protocolName,
  type Side,
} from '../records/flow.js';
import { formatBytes, formatMicros } from '../records/quantity.js';
import { VerdictBadge } from '../records/verdict.js';
import { formatTime } from '../time/time-range.js';
import { usePageState } from '../host/page-state.js';
import { Alert, Button, Drawer, LinkButton, Stack, useStyles2 } from '../kit/ui.js';

/** Everything about one flow: both ends, how well it went, and what each policy said. */
export function FlowDrawer({ flow, onClose }: { readonly flow: Flow; readonly onClose: () => void }) {
  const styles = useStyles2(getStyles);
  const [{ range, zone }] = usePageState();
  const link = usePageLink();
  const { server } = useHost();
  const policies = usePolicies(range, flow.cluster);
  const sides = readTrace(flow.policies, flow);
  const pending = flow.pending_policies === flow.policies ? [] : readTrace(flow.pending_policies, flow);
  const deciding = decidingStep(sides);
  const pair = `${endpointCondition(flow, 'src')} && ${endpointCondition(flow, 'dst')}`;
  const client = endpointName(flow, 'src');
  const target = endpointName(flow, 'dst');
  const command = `sonde observe --server ${server} --filter '${pair}'`;

  return (
    <Drawer
      title={`${client} → ${target}`}
      subtitle={`${portName(flow.protocol, flow.dst_port)}, ${formatTime(Date.parse(flow.start_time), zone, true)}`}
      size="md"
      onClose={onClose}
    >
      <Stack direction="column" gap={2}>
        <Stack alignItems="center" gap={1} wrap="wrap">
          <VerdictBadge verdict={flow.action} />
          {deciding && <strong>{describeStep(deciding)}</strong>}
          <span>On the wire: {flow.evidence}</span>
        </Stack>
        {flow.contradiction && (
          <Alert severity="warning" title="Policies and the wire disagree">
            Policies say {flow.action}, but the connection was {flow.evidence}.
          </Alert>
        )}
        <Stack gap={1} wrap="wrap">
          <LinkButton
            size="sm"
            variant="secondary"
            icon="sitemap"
            href={link('map', { values: { focus: focusOf(flow) } })}
          >
            Show on map
          </LinkButton>
          <LinkButton size="sm" variant="secondary" icon="history" href={link('flows', { filter: pair })}>
            Same pair over time
          </LinkButton>
          <LinkButton
            size="sm"
            variant="secondary"
            icon="question-circle"
            href={link('diagnose', {
              values: {
                src: client,
                dst: target,
                protocol: protocolName(flow.protocol),
                port: String(flow.dst_port),
              },
            })}
          >
            Diagnose
          </LinkButton>
          <CopyButton label="Copy filter" text={pair} />
          <CopyButton label="Copy command" text={command} />
          <CopyButton label="Copy link" text={window.location.href} />
        </Stack>
        <section>
          <h4>Policies</h4>
          <TraceView sides={sides} overview={policies.data} />
          {pending.length > 0 && (
            <>
              <h4>With staged policies enforced</h4>
              <TraceView sides={pending} overview={policies.data} />
            </>
          )}
        </section>
        <section className={styles.ends}>
          <End flow={flow} side="src" />
          <End flow={flow} side="dst" />
        </section>
        <section>
          <h4>Traffic</h4>
          <Facts
            facts={[
              [
                'Client to server',
                `${formatBytes(flow.bytes_out)} in ${String(flow['packets_out'])} packets`,
              ],
              ['Server to client', `${formatBytes(flow.bytes_in)} in ${String(flow['packets_in'])} packets`],
              ['Round-trip time', formatMicros(Number(flow['rtt_us']))],
              ['Connect time', formatMicros(Number(flow['connect_us']))],
              ['Retransmits', String(flow['retransmits'])],
              ['Dropped', `${String(flow['dropped_packets'])} ${String(flow['drop_reason'])}`],
              ['Connection', String(flow['connection_state'])],
              ['Service before NAT', serviceOf(flow)],
              ['Seen on', `${flow.node} (${String(flow['reporter'])})`],
            ]}
          />
        </section>
        <details>
          <summary>All fields</summary>
          <Facts facts={Object.entries(flow).map(([name, value]) => [name, String(value)] as const)} />
        </details>
      </Stack>
    </Drawer>
  );
}

function End({ flow, side }: { readonly flow: Flow; readonly side: Side }) {
  const of = (field: string) => String(flow[`${side}_${field}`] ?? '');
  const labels = of('labels')
    .split(',')
    .filter((label) => label !== '');
  const [, change] = usePageState();
  return (
    <div>
      <h4>{side === 'src' ? 'Client' : 'Server'}</h4>
      <Facts
        facts={[
          ['Kind', of('kind')],
          ['Namespace', of('namespace')],
          [of('workload_kind') || 'Workload', of('workload')],
          ['Name', of('name')],
          ['Domain', of('domain')],
          ['Address', `${of('ip')} port ${of('port')}`],
          ['Service account', of('service_account')],
          ['Node, zone', [of('node'), of('zone')].filter(Boolean).join(', ')],
          ['Network sets', of('network_sets')],
          ['Process', of('process')],
        ]}
      />
      <Stack wrap="wrap" gap={0.5}>
        {labels.map((label) => {
          const [key = '', value = ''] = label.split(/=(.*)/s);
          return (
            <Button
              key={label}
              size="sm"
              variant="secondary"
              fill="outline"
              tooltip="Only flows with this label"
              onClick={() => change({ filter: equals(`${side}.labels[${quoted(key)}]`, value) })}
            >
              {label}
            </Button>
          );
        })}
      </Stack>
    </div>
  );
}

function Facts({ facts }: { readonly facts: readonly (readonly [string, string])[] }) {
  const styles = useStyles2(getStyles);
  return (
    <dl className={styles.facts}>
      {facts
        .filter(([, value]) => value.trim() !== '')
        .map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
    </dl>
  );
}

function CopyButton({ label, text }: { readonly label: string; readonly text: string }) {
  return (
    <Button
      size="sm"
      variant="secondary"
      icon="copy"
      onClick={() => void navigator.clipboard.writeText(text)}
    >
      {label}
    </Button>
  );
}

function serviceOf(flow: Flow): string {
  const name = String(flow['dst_service'] ?? '');
  if (name === '') return '';
  return `${String(flow['dst_service_namespace'])}/${name} port ${String(flow['dst_service_port'])} (${String(flow['dst_service_ip'])})`;
}

/** The node of the map that shows the client. */
function focusOf(flow: Flow): string {
  const workload = String(flow['src_workload'] ?? '');
  return workload === '' ? '' : `workload/${String(flow['src_namespace'])}/${workload}`;
}

const getStyles = (theme: GrafanaTheme2) => ({
  ends: css({ display: 'grid', gridTemplateColumns: '1fr 1fr', gap: theme.spacing(2) }),
  facts: css({
    '& > div': { display: 'grid', gridTemplateColumns: '130px 1fr', gap: theme.spacing(1) },
    dt: { color: theme.colors.text.secondary, fontWeight: 'normal' },
    dd: { margin: 0, overflowWrap: 'anywhere' },
  }),
});
