import { css } from '@emotion/css';
import type { GrafanaTheme2 } from '@grafana/data';
import { useState } from 'react';
import { AnswerView } from '../api/answer-view.js';
import { useAnswer } from '../api/use-answer.js';
import { quoted } from '../filter/conditions.js';
import { useOpenPage, usePageLink, usePageState } from '../host/page-state.js';
import { ChangeList, type PolicyChange } from '../policies/change-list.js';
import { describeStep } from '../policies/trace.js';
import { TraceView } from '../policies/trace-view.js';
import { usePolicies } from '../policies/use-policies.js';
import { VerdictBadge } from '../records/verdict.js';
import type { TimeRange } from '../time/time-range.js';
import { Alert, Button, Combobox, Field, Input, LinkButton, Stack, useStyles2 } from '../kit/ui.js';
import { WireSummary } from './wire-summary.js';
import { allowManifest } from './allow-manifest.js';
import { type Endpoint, type Evaluated, sidesOf } from './evaluated.js';

interface Evaluation {
  readonly cluster: string;
  readonly connections: readonly Evaluated[];
}

/** "Can A reach B, and if not, why?": asks policies, traffic and the history of policies, whether they talked or not. */
export function DiagnosePage() {
  const styles = useStyles2(getStyles);
  const [{ range, value }, change] = usePageState();
  const [src, dst, port] = [value('src'), value('dst'), value('port')];
  const protocol = value('protocol') ?? 'TCP';
  const hasPorts = protocolsWithPorts.includes(protocol);
  const isComplete = src !== undefined && dst !== undefined && (port !== undefined || !hasPorts);
  return (
    <div className={styles.page}>
      <Question
        key={`${src} ${dst} ${protocol} ${port}`}
        src={src ?? ''}
        dst={dst ?? ''}
        protocol={protocol}
        port={port ?? ''}
        onAsk={(next) => change({ values: next })}
      />
      {isComplete ? (
        <Diagnosis src={src} dst={dst} protocol={protocol} port={hasPorts ? port : undefined} range={range} />
      ) : (
        <p>
          Enter a client, a server and a port to see whether policies allow the connection and what the wire
          showed.
        </p>
      )}
    </div>
  );
}

/** Protocols that connections can be diagnosed for; those with ports need one. */
const protocolsWithPorts = ['TCP', 'UDP', 'SCTP'];
const protocols = [...protocolsWithPorts, 'ICMP', 'ICMPv6'];

interface QuestionProperties {
  readonly src: string;
  readonly dst: string;
  readonly protocol: string;
  readonly port: string;
  readonly onAsk: (values: { src: string; dst: string; protocol: string; port: string | undefined }) => void;
}

function Question({ src, dst, protocol, port, onAsk }: QuestionProperties) {
  const [client, setClient] = useState(src);
  const [server, setServer] = useState(dst);
  const [chosen, setChosen] = useState(protocol);
  const [number, setNumber] = useState(port);
  const hasPorts = protocolsWithPorts.includes(chosen);
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        onAsk({
          src: client.trim(),
          dst: server.trim(),
          protocol: chosen,
          port: hasPorts ? number.trim() : undefined,
        });
      }}
    >
      <Stack alignItems="flex-end" gap={1} wrap="wrap">
        <Field noMargin label="Client" description="namespace/name or address">
          <Input
            id="diagnose-client"
            required
            value={client}
            onChange={(event) => setClient(event.currentTarget.value)}
          />
        </Field>
        <Field noMargin label="Server" description="namespace/name, service, domain or address">
          <Input
            id="diagnose-server"
            required
            value={server}
            onChange={(event) => setServer(event.currentTarget.value)}
          />
        </Field>
        <Field noMargin label="Protocol">
          <Combobox
            id="diagnose-protocol"
            width={14}
            options={protocols.map((name) => ({ label: name, value: name }))}
            value={chosen}
            onChange={({ value }) => setChosen(value)}
          />
        </Field>
        <Field noMargin label="Port">
          <Input
            id="diagnose-port"
            width={12}
            required={hasPorts}
            disabled={!hasPorts}
            inputMode="numeric"
            pattern="\d{1,5}"
            value={number}
            onChange={(event) => setNumber(event.currentTarget.value)}
          />
        </Field>
        <Button type="submit">Diagnose</Button>
      </Stack>
    </form>
  );
}

interface DiagnosisProperties {
  readonly src: string;
  readonly dst: string;
  readonly protocol: string;
  readonly port: string | undefined;
  readonly range: TimeRange;
}

function Diagnosis({ src, dst, protocol, port, range }: DiagnosisProperties) {
  const connection = { from: src, to: dst, protocol, ...(port !== undefined && { port: Number(port) }) };
  const evaluation = useAnswer(JSON.stringify(['evaluate', range, connection]), (query, signal) =>
    query.post<Evaluation>('/api/v1/policies/evaluate', { ...range, connections: [connection] }, signal),
  );
  return (
    <>
      <AnswerView answer={evaluation} what="the verdict">
        {({ cluster, connections: [evaluated] }) =>
          evaluated && (
            <VerdictSection evaluated={evaluated} cluster={cluster} src={src} dst={dst} range={range} />
          )
        }
      </AnswerView>
      <WireSummary src={src} dst={dst} port={port} range={range} />
      <ChangesSection range={range} />
    </>
  );
}

interface VerdictProperties {
  readonly evaluated: Evaluated;
  readonly cluster: string;
  readonly src: string;
  readonly dst: string;
  readonly range: TimeRange;
}

function VerdictSection({ evaluated, cluster, src, dst, range }: VerdictProperties) {
  const link = usePageLink();
  const openPage = useOpenPage();
  const policies = usePolicies(range, cluster);
  const sides = sidesOf(evaluated);
  const denial = sides.flatMap(({ steps }) => steps).find(({ action }) => action === 'deny');
  const isStaged = evaluated.pending.verdict !== evaluated.verdict;
  const [server] = evaluated.ends.to;
  return (
    <section aria-label="Verdict">
      <h3>
        {src} → {dst}: <VerdictBadge verdict={evaluated.verdict} /> {denial && describeStep(denial)}
      </h3>
      {isStaged && (
        <Alert
          severity="info"
          title={`With staged policies enforced, the verdict would be ${evaluated.pending.verdict}.`}
        />
      )}
      {evaluated.notes.map((note) => (
        <Alert key={note} severity="info" title={note} />
      ))}
      <TraceView sides={sides} overview={policies.data} />
      <details>
        <summary>
          Who the ends are: {evaluated.ends.from.length} client and {evaluated.ends.to.length} server
          identities
        </summary>
        <EndList title="Client" ends={evaluated.ends.from} />
        <EndList title="Server" ends={evaluated.ends.to} />
      </details>
      {denial && (
        <Stack gap={1}>
          {evaluated.ends.to.every(({ kind }) => kind === 'pod') && (
            <Button
              onClick={() => {
                const isCalico = /^s?g?np:/.test(denial.policy);
                openPage('policies', {
                  values: { view: 'preview', draft: allowManifest(evaluated, isCalico) },
                });
              }}
            >
              Preview a policy that allows it
            </Button>
          )}
          <LinkButton
            variant="secondary"
            href={link('flows', {
              filter: `src.namespace == ${quoted(src.split('/')[0] ?? '')} && action == "deny"`,
            })}
          >
            Denied flows of {src.split('/')[0]}
          </LinkButton>
        </Stack>
      )}
      {!denial && server === undefined && <p>The server is not known.</p>}
    </section>
  );
}

function EndList({ title, ends }: { readonly title: string; readonly ends: readonly Endpoint[] }) {
  return (
    <>
      <h5>{title}</h5>
      <ul>
        {ends.map(({ kind, namespace, labels, serviceAccount, address }) => (
          <li key={address}>
            {kind} {address}
            {namespace !== '' && ` in ${namespace}`}
            {serviceAccount !== '' && `, service account ${serviceAccount}`}
            {labels !== '' && `, labels ${labels}`}
          </li>
        ))}
      </ul>
    </>
  );
}

function ChangesSection({ range }: { readonly range: TimeRange }) {
  const changes = useAnswer(JSON.stringify(['changes', range]), (query, signal) =>
    query.get<{ changes: readonly PolicyChange[]; more: boolean }>(
      '/api/v1/policies/changes',
      { ...range, limit: 20 },
      signal,
    ),
  );
  return (
    <section aria-label="Policy changes">
      <h3>Policy changes in the time range</h3>
      <AnswerView answer={changes} what="policy changes">
        {(data) => <ChangeList changes={data.changes} />}
      </AnswerView>
    </section>
  );
}

const getStyles = (theme: GrafanaTheme2) => ({
  page: css({
    display: 'flex',
    flexDirection: 'column',
    gap: theme.spacing(2),
    overflow: 'auto',
    height: '100%',
  }),
});
