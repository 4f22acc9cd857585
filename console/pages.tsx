import { lazy } from 'react';
import type { IconName } from '@grafana/data';

/** The pages, in the order of the navigation. Each is a chunk of its own, loaded when it is opened. */
export const pages = [
  {
    path: 'map',
    title: 'Map',
    icon: 'sitemap',
    Page: lazy(async () => ({ default: (await import('./map/map-page.js')).MapPage })),
  },
  {
    path: 'flows',
    title: 'Flows',
    icon: 'list-ul',
    Page: lazy(async () => ({ default: (await import('./flows/flows-page.js')).FlowsPage })),
  },
  {
    path: 'diagnose',
    title: 'Diagnose',
    icon: 'question-circle',
    Page: lazy(async () => ({ default: (await import('./diagnose/diagnose-page.js')).DiagnosePage })),
  },
  {
    path: 'policies',
    title: 'Policies',
    icon: 'shield',
    Page: lazy(async () => ({ default: (await import('./policies/policies-page.js')).PoliciesPage })),
  },
  {
    path: 'dns',
    title: 'DNS',
    icon: 'search',
    Page: lazy(async () => ({ default: (await import('./dns/dns-page.js')).DnsPage })),
  },
  {
    path: 'overview',
    title: 'Overview',
    icon: 'dashboard',
    Page: lazy(async () => ({ default: (await import('./overview/overview-page.js')).OverviewPage })),
  },
] as const satisfies readonly { path: string; title: string; icon: IconName; Page: unknown }[];
