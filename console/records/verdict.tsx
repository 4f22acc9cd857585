import { Badge } from '../kit/ui.js';

const looks = {
  allow: { color: 'green', icon: 'check' },
  deny: { color: 'red', icon: 'ban' },
  pass: { color: 'blue', icon: 'arrow-right' },
  unknown: { color: 'darkgrey', icon: 'question-circle' },
} as const;

/** A verdict by color, icon and word. */
export function VerdictBadge({ verdict }: { readonly verdict: string }) {
  const { color, icon } = verdict in looks ? looks[verdict as keyof typeof looks] : looks.unknown;
  return <Badge color={color} icon={icon} text={verdict} />;
}
