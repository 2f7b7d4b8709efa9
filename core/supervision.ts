/** Of a process, what tells who started it. */
export interface Started {
  readonly env: Readonly<Record<string, string | undefined>>
  readonly pid: number
  readonly ppid: number
}

/**
 * Whether systemd runs this process as a service, and not only some ancestor of it: the variables are
 * inherited by all below. Versions before 248 name no process; then a child of theirs has them as its parent.
 */
export function isService({ env, pid, ppid }: Started): boolean {
  const { INVOCATION_ID: invocation, SYSTEMD_EXEC_PID: named } = env
  if (invocation === undefined) return false
  return named === undefined ? ppid === 1 : [pid, ppid].includes(Number(named))
}
