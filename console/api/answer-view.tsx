import type { ReactNode } from 'react';
import { Alert, Button, LoadingBar, Stack } from '../kit/ui.js';
import type { Answer } from './use-answer.js';
import { ApiError } from './error.js';

interface Properties<Data> {
  readonly answer: Answer<Data>;
  /** What is loaded, for screen readers and messages, for example `flows`. */
  readonly what: string;
  readonly children: (data: Data) => ReactNode;
}

/** Shows the data of an answer; while it loads, a way to cancel; when it failed, why and what to do. */
export function AnswerView<Data>({ answer, what, children }: Properties<Data>) {
  return (
    <div aria-busy={answer.state === 'loading'} style={{ position: 'relative' }}>
      {answer.state === 'loading' &&
        (answer.data === undefined ? (
          <Stack alignItems="center" gap={1}>
            Loading {what} …
            <Button size="sm" fill="text" onClick={answer.cancel}>
              Cancel
            </Button>
          </Stack>
        ) : (
          <div style={{ position: 'absolute', inset: '0 0 auto 0' }}>
            <LoadingBar width={300} ariaLabel={`Loading ${what}`} />
          </div>
        ))}
      {answer.state === 'failed' && <Failure error={answer.error} what={what} />}
      {answer.state === 'idle' && answer.data === undefined && <p>No {what} loaded.</p>}
      {answer.data !== undefined && children(answer.data)}
    </div>
  );
}

/** An error with what to do about it. */
export function Failure({ error, what }: { readonly error: Error; readonly what: string }) {
  return (
    <Alert severity="error" title={`Cannot load ${what}`}>
      {error.message}
      {advice(error) && <div>{advice(error)}</div>}
    </Alert>
  );
}

function advice(error: Error): string | undefined {
  if (!(error instanceof ApiError)) return 'Check that the query API is running and reachable.';
  const nearest = error.problem.errors?.flatMap(({ nearest = [] }) => nearest) ?? [];
  if (nearest.length > 0) return `Did you mean ${nearest.slice(0, 3).join(', ')}?`;
  if (error.status === 504 || error.status === 422)
    return 'Choose a shorter time range or a narrower filter.';
  if (error.status === 403) return 'Ask an administrator for the right to view this.';
  return undefined;
}
