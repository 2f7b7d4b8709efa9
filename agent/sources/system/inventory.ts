/** What this machine is. Empty text where it does not say. */
export interface Inventory {
  manufacturer: string
  model: string
  serial: string
  processor: string
  cores: number
  memoryBytes: number
  os: string
  kernel: string
  architecture: string
}

/** Starts programs and takes a while: for status, not for polling. */
export async function readInventory(): Promise<Inventory> {
  const { default: si } = await import('systeminformation') // 10 MB that polling does not need
  const [system, cpu, memory, os] = await Promise.all([si.system(), si.cpu(), si.mem(), si.osInfo()])
  return {
    manufacturer: system.manufacturer,
    model: system.model,
    serial: system.serial,
    processor: `${cpu.manufacturer} ${cpu.brand}`.trim(),
    cores: cpu.cores,
    memoryBytes: memory.total,
    os: `${os.distro} ${os.release}`.trim(),
    kernel: os.kernel,
    architecture: os.arch,
  }
}
