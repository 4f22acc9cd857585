import { expect, it } from 'vitest';
import { isAuthenticationFailure } from './connection.js';

it.each([
  'SASL PLAIN authentication failed: Authentication failed: Invalid username or password',
  'SASL SCRAM SHA512 authentication failed: Authentication failed during authentication due to invalid credentials',
  'SASL PLAIN mechanism is not supported by the server',
])('recognizes rejected credentials: %s', (message) => {
  expect(isAuthenticationFailure(authenticationError(message))).toBe(true);
});

it.each([
  'SASL PLAIN authentication failed: Closed connection',
  'SASL PLAIN authentication failed: Connection error: read ECONNRESET',
  'SASL PLAIN authentication failed: Connection timeout',
  'SASL SCRAM SHA256 authentication failed: Connection closed by the server',
  'SASL PLAIN authentication failed: Not connected',
  'SASL PLAIN authentication failed: Request SaslAuthenticate(key: 36, version: 1) timed out',
])('does not take a connection that fails during authentication for rejected credentials: %s', (message) => {
  expect(isAuthenticationFailure(authenticationError(message))).toBe(false);
});

it('does not take other errors for rejected credentials', () => {
  expect(isAuthenticationFailure(new Error('SASL PLAIN authentication failed: Authentication failed'))).toBe(
    false,
  );
});

/** An error of kafkajs. */
function authenticationError(message: string): Error {
  return Object.assign(new Error(message), { name: 'KafkaJSSASLAuthenticationError' });
}
