import type { FastifyPluginCallback } from 'fastify';
import { policyActivityRoute } from './activity.js';
import { applyingPoliciesRoute } from './applying.js';
import { policyChangesRoute } from './changes.js';
import { policyEvaluationRoute } from './evaluate.js';
import { policyPreviewRoute } from './preview.js';
import { policySuggestionRoute } from './suggest.js';

/** Network policies: activity, changes, evaluation, preview and suggestions. */
export const policiesPlugin: FastifyPluginCallback = (server, _options, done) => {
  policyActivityRoute(server);
  applyingPoliciesRoute(server);
  policyChangesRoute(server);
  policyEvaluationRoute(server);
  policyPreviewRoute(server);
  policySuggestionRoute(server);
  done();
};
