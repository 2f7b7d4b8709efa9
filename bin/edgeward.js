#!/usr/bin/env node
// Plain JavaScript that old Node versions can parse: finds Node 24 or says what is missing.
import { spawn } from 'node:child_process'
import { createRequire } from 'node:module'

if (Number(process.versions.node.split('.')[0]) >= 24) {
  const { main } = await import('../cli/index.ts')
  await main(process.argv.slice(2))
} else {
  const node = bundledNode()
  if (node === undefined) {
    process.stderr.write(
      `edgeward needs Node 24 or newer; this is ${process.versions.node}. Run "npm ci" first.\n`,
    )
    process.exit(1)
  }
  const child = spawn(node, process.argv.slice(1), { stdio: 'inherit' })
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal))
  child.on('exit', (code) => process.exit(code ?? 1))
}

/** npm installed the one that fits this machine as an optional dependency. */
function bundledNode() {
  const arch = process.arch === 'arm64' ? 'arm64' : 'x64'
  try {
    return createRequire(import.meta.url).resolve(`node-linux-${arch}/bin/node`)
  } catch {
    return undefined
  }
}
