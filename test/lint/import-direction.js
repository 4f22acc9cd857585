import path from 'node:path';

/** What each workspace may import: the table of docs/architecture.md. */
export const allowedImports = {
  'bpf-probe': [],
  model: [],
  backbone: ['model'],
  collector: ['model', 'backbone'],
  enricher: ['model', 'backbone'],
  query: ['model', 'backbone'],
  alerting: ['model', 'backbone', 'query'],
  'query-api': ['model', 'backbone', 'query'],
  console: [],
  'grafana-plugin': ['console'],
  deploy: [],
  cli: ['model', 'backbone', 'collector', 'enricher', 'query', 'alerting', 'query-api', 'deploy'],
  test: ['model', 'backbone', 'collector', 'enricher', 'query', 'alerting', 'query-api', 'deploy', 'cli'],
};

/**
 * An ESLint rule: a workspace imports only the workspaces below it, and by their package names. Unit tests
 * (`*.test.ts`) may also import the builders and fixtures of test/.
 */
export const importDirection = {
  meta: { type: 'problem', docs: { description: 'imports point downward only' }, schema: [] },
  create(context) {
    const root = context.cwd;
    const file = path.relative(root, context.filename);
    const workspace = file.split(path.sep)[0];
    const isTest = /\.test\.[jt]sx?$/.test(file);
    const own = allowedImports[workspace];
    if (!own) return {};
    const allowed = isTest ? [...own, 'test'] : own;

    function check(node) {
      const source = node.source?.value;
      if (typeof source !== 'string') return;
      if (source.startsWith('.')) {
        const target = path
          .relative(root, path.resolve(path.dirname(context.filename), source))
          .split(path.sep);
        if (target.length > 1 && target[0] !== workspace) {
          context.report({ node, message: `Import @sonde/${target[0]}, not a path out of ${workspace}/.` });
        }
        return;
      }
      const imported = /^@sonde\/([^/]+)/.exec(source)?.[1];
      if (imported && imported !== workspace && !allowed.includes(imported)) {
        context.report({
          node,
          message: `${workspace}/ may not import ${imported}/ (allowed: ${allowed.join(', ') || 'nothing'}).`,
        });
      }
      if (imported === workspace) {
        context.report({ node, message: `Import files of ${workspace}/ itself by a relative path.` });
      }
      if (workspace === 'model' && source.startsWith('node:')) {
        context.report({ node, message: 'model/ is pure: it may not import Node modules.' });
      }
    }

    return {
      ImportDeclaration: check,
      ExportNamedDeclaration: check,
      ExportAllDeclaration: check,
      ImportExpression: check,
    };
  },
};
