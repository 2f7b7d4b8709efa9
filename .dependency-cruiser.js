/**
 * The architecture, checked: imports point one way.
 *
 *   cli → main → modules → certs, protocol → core
 *
 * Modules never import each other; gateway-main.ts and hub-main.ts introduce them by passing functions.
 * From outside a module only its index.ts may be imported (protocol and core: any file).
 */
const modules = ['agent', 'edge-auth', 'broker', 'hub', 'backup']
const tests = '(\\.test\\.ts$)|(/test-[a-z-]+\\.ts$)|(^test/)|(^bench/)'

export default {
  forbidden: [
    { name: 'no-circular', severity: 'error', from: {}, to: { circular: true } },
    { name: 'no-unresolvable', severity: 'error', from: {}, to: { couldNotResolve: true } },
    {
      name: 'no-dev-dependency-in-product',
      severity: 'error',
      from: { pathNot: [tests, '^vitest\\.config', '^examples/', '^packaging/'] },
      to: { dependencyTypes: ['npm-dev'], dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'core-knows-nobody',
      severity: 'error',
      from: { path: '^core/', pathNot: tests },
      to: {
        path: '^[a-z-]+\\.ts$|^(agent|edge-auth|broker|hub|backup|protocol|certs|cli|console|test|bench|examples)/',
      },
    },
    {
      name: 'protocol-knows-only-core',
      severity: 'error',
      from: { path: '^protocol/', pathNot: tests },
      to: {
        path: '^[a-z-]+\\.ts$|^(agent|edge-auth|broker|hub|backup|certs|cli|console|test|bench|examples)/',
      },
    },
    {
      name: 'certs-knows-only-core',
      severity: 'error',
      from: { path: '^certs/', pathNot: tests },
      to: {
        path: '^[a-z-]+\\.ts$|^(agent|edge-auth|broker|hub|backup|protocol|cli|console|test|bench|examples)/',
      },
    },
    ...modules.map((name) => ({
      name: `${name}-imports-downwards-only`,
      severity: 'error',
      comment: 'a module imports itself, certs, protocol and core; other modules are handed in by main.ts',
      from: { path: `^${name}/`, pathNot: tests },
      to: {
        path: `^[a-z-]+\\.ts$|^(${[...modules.filter((m) => m !== name), 'cli', 'console', 'test', 'bench', 'examples'].join('|')})/`,
      },
    })),
    ...[...modules, 'certs'].map((name) => ({
      name: `${name}-only-through-its-face`,
      severity: 'error',
      comment: 'from outside, a module is its index.ts',
      from: { pathNot: [`^${name}/`] },
      to: { path: `^${name}/`, pathNot: `^${name}/(index|test-[a-z-]+)\\.ts$` },
    })),
    {
      name: 'forge-stays-in-certs',
      severity: 'error',
      from: { pathNot: '^certs/' },
      to: { path: 'node_modules/node-forge' },
    },
    {
      name: 'nobody-imports-the-command-line',
      severity: 'error',
      from: { pathNot: ['^cli/', '^bin/', '^packaging/', tests] },
      to: { path: '^cli/' },
    },
    {
      name: 'only-the-command-line-imports-main',
      severity: 'error',
      from: { pathNot: ['^cli/', '^main\\.ts$', tests] },
      to: { path: '^(gateway-|hub-)?main\\.ts$' },
    },
    {
      name: 'product-does-not-import-tests',
      severity: 'error',
      from: { pathNot: tests },
      to: { path: tests },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^(node_modules|dist|coverage)/' },
    tsConfig: { fileName: 'tsconfig.json' },
    tsPreCompilationDeps: true,
    moduleSystems: ['es6'],
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'default', 'types'],
    },
  },
}
