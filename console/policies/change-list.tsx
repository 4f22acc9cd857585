import { usePageState } from '../host/page-state.js';
import { formatTime } from '../time/time-range.js';

/** A change of a policy or of an object that policies depend on. */
export interface PolicyChange {
  readonly kind: string;
  readonly namespace?: string;
  readonly name: string;
  readonly time: string;
  readonly change: string;
  readonly by?: string;
  /** Unified diff of the manifests. */
  readonly diff: string;
}

/** Changes of policies, newest first, each with its diff. */
export function ChangeList({ changes }: { readonly changes: readonly PolicyChange[] }) {
  const [{ zone }] = usePageState();
  if (changes.length === 0) return <p>No policy changed in the time range.</p>;
  return (
    <ul style={{ listStyle: 'none' }}>
      {changes.map(({ kind, namespace, name, time, change, by, diff }) => (
        <li key={`${time} ${kind} ${namespace} ${name}`}>
          <details>
            <summary>
              {formatTime(Date.parse(time), zone, true)}: {kind} {namespace !== undefined && `${namespace}/`}
              {name} {change}
              {by !== undefined && by !== '' && ` by ${by}`}
            </summary>
            <Diff text={diff} />
          </details>
        </li>
      ))}
    </ul>
  );
}

/** A unified diff with added and removed lines marked by color and sign. */
export function Diff({ text }: { readonly text: string }) {
  const color = (line: string) =>
    line.startsWith('+') ? 'var(--sonde-added)' : line.startsWith('-') ? 'var(--sonde-removed)' : 'inherit';
  return (
    <pre aria-label="Difference">
      {text.split('\n').map((line, index) => (
        <div key={index} style={{ color: color(line) }}>
          {line}
        </div>
      ))}
    </pre>
  );
}
