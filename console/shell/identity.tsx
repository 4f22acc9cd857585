import { useState } from 'react';
import { ApiError } from '../api/error.js';
import { useAnswer } from '../api/use-answer.js';
import { Button, Field, Input, Toggletip } from '../kit/ui.js';
import { readToken, writeToken } from './token.js';

/** Who the user is; where the API demands a token and there is none, a way to enter one. */
export function Identity() {
  const [version, setVersion] = useState(0);
  const answer = useAnswer(`whoami ${version}`, (query, signal) =>
    query.get<{ subject: string }>('/api/v1/whoami', {}, signal),
  );
  const isRefused =
    answer.state === 'failed' && answer.error instanceof ApiError && answer.error.status === 401;
  const enter = (token: string | undefined) => {
    writeToken(token);
    setVersion(version + 1);
    window.location.reload();
  };
  if (answer.state === 'ready') {
    return (
      <span>
        {answer.data.subject}
        {readToken() !== undefined && (
          <Button size="sm" fill="text" onClick={() => enter(undefined)}>
            Log out
          </Button>
        )}
      </span>
    );
  }
  if (!isRefused) return null;
  return (
    <Toggletip content={<TokenForm onEnter={enter} />} placement="bottom-end" show>
      <Button size="sm">Log in</Button>
    </Toggletip>
  );
}

function TokenForm({ onEnter }: { readonly onEnter: (token: string) => void }) {
  const [token, setToken] = useState('');
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        onEnter(token.trim());
      }}
    >
      <Field
        label="Token"
        description="Of your OpenID Connect provider, a static token, or a Kubernetes service account"
      >
        <Input
          id="token"
          type="password"
          autoComplete="off"
          value={token}
          onChange={(event) => setToken(event.currentTarget.value)}
        />
      </Field>
      <Button type="submit" disabled={token.trim() === ''}>
        Log in
      </Button>
    </form>
  );
}
