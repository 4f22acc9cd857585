import type { LabelExpression, LabelSelector } from '../selector/label-selector.js';
import type { Fields } from './fields.js';

/** Reads a Kubernetes label selector (meta/v1 LabelSelector). */
export function readLabelSelector(fields: Fields): LabelSelector {
  fields.allowOnly(['matchLabels', 'matchExpressions']);
  return {
    matchLabels: fields.labels('matchLabels'),
    matchExpressions: fields.objects('matchExpressions', readExpression) ?? [],
  };
}

function readExpression(fields: Fields): LabelExpression {
  fields.allowOnly(['key', 'operator', 'values']);
  const key = fields.requiredString('key');
  const operator = fields.requiredOneOf('operator', ['In', 'NotIn', 'Exists', 'DoesNotExist']);
  const values = fields.strings('values');
  const needsValues = operator === 'In' || operator === 'NotIn';
  if (needsValues && values.length === 0) fields.problem('values', `must not be empty for ${operator}`);
  if (!needsValues && values.length > 0) fields.problem('values', `must be empty for ${operator}`);
  return { key, operator, values };
}
