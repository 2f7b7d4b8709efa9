import { lchownSync, mkdirSync, statSync } from 'node:fs'
import { homedir } from 'node:os'
import { join, resolve } from 'node:path'
import type { Places } from '../main.ts'

export type Role = 'gateway' | 'hub'

export interface PlaceOptions {
  config?: string | undefined
  stateDir?: string | undefined
}

type Environment = Readonly<Record<string, string | undefined>>

const folder = (role: Role): string => (role === 'gateway' ? 'edgeward' : 'edgeward-hub')

/**
 * State and runtime directories: --state-dir, else what systemd hands to a unit, else the system's for
 * root, else XDG. The runtime directory of a --state-dir is its `run` folder, so that every command that
 * names the same state finds the same socket.
 */
export function resolvePlaces(
  role: Role,
  { stateDir }: PlaceOptions,
  env: Environment,
  isRoot: boolean,
): Places {
  const name = folder(role)
  if (stateDir !== undefined) {
    const dir = resolve(stateDir)
    return { stateDir: dir, runtimeDir: env.RUNTIME_DIRECTORY ?? join(dir, 'run') }
  }
  if (env.STATE_DIRECTORY !== undefined)
    return {
      stateDir: env.STATE_DIRECTORY,
      runtimeDir: env.RUNTIME_DIRECTORY ?? join(env.STATE_DIRECTORY, 'run'),
    }
  if (isRoot) return { stateDir: `/var/lib/${name}`, runtimeDir: `/run/${name}` }
  const state = join(env.XDG_STATE_HOME ?? join(homedir(), '.local', 'state'), name)
  return {
    stateDir: state,
    runtimeDir: env.XDG_RUNTIME_DIR === undefined ? join(state, 'run') : join(env.XDG_RUNTIME_DIR, name),
  }
}

/** The configuration file; one that the user named must exist. */
export function resolveConfigFile({ config }: PlaceOptions, env: Environment, isRoot: boolean) {
  if (config !== undefined) return { path: resolve(config), required: true }
  const dir = isRoot ? '/etc' : (env.XDG_CONFIG_HOME ?? join(homedir(), '.config'))
  const path = join(env.CONFIGURATION_DIRECTORY ?? join(dir, 'edgeward'), 'edgeward.toml')
  return { path, required: false }
}

/**
 * What root creates in a daemon's state directory the daemon could not open later: a command run by
 * root goes on as the directory's owner.
 */
export function becomeOwner({ stateDir, runtimeDir }: Places): void {
  const owner = ownerBesideRoot(stateDir)
  if (!owner) return
  // systemd removes it when a unit stops, and in /run the owner could not make it.
  if (mkdirSync(runtimeDir, { recursive: true, mode: 0o755 }) !== undefined)
    lchownSync(runtimeDir, owner.uid, owner.gid)
  process.setgroups?.([owner.gid])
  process.setgid?.(owner.gid)
  process.setuid?.(owner.uid)
}

export interface Owner {
  uid: number
  gid: number
}

/** Whose the state is where this process is root's and the state is not; undefined: nothing keeps them apart. */
export function ownerBesideRoot(stateDir: string): Owner | undefined {
  if (process.getuid?.() !== 0) return undefined
  const owner = statSync(stateDir, { throwIfNoEntry: false })
  return owner === undefined || owner.uid === 0 ? undefined : { uid: owner.uid, gid: owner.gid }
}
