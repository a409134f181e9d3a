import type { DeviceInfo, MemoryUse, Placement } from '../api/placement-types.js'
import type { NativeDevice, NativeMemoryUse, NativeModelInfo } from '../binding/engine-port.js'

export function placementOf({ placement }: Pick<NativeModelInfo, 'placement'>): Placement {
  const { devices, host, layers, gpuLayers } = placement
  return {
    gpu: devices[0]?.backend ?? false,
    gpuLayers,
    layers,
    devices: devices.map((device) => ({ ...deviceOf(device), ...useOf(device) })),
    host: useOf(host),
  }
}

export function deviceOf(device: NativeDevice): DeviceInfo {
  const { name, description, backend, kind, totalBytes, freeBytes, fault } = device
  const known = { name, description, backend, kind, totalBytes, freeBytes }
  return fault === undefined ? known : { ...known, fault }
}

export function bytesOf({ devices, host }: Placement): number {
  return [...devices, host].reduce((sum, one) => sum + sumOf(one), 0)
}

export function sumOf({ weightsBytes, kvBytes, computeBytes }: MemoryUse): number {
  return weightsBytes + kvBytes + computeBytes
}

function useOf({ weightsBytes, kvBytes, computeBytes }: NativeMemoryUse): MemoryUse {
  return { weightsBytes, kvBytes, computeBytes }
}
