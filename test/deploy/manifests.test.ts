import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { HTTPRoute } from '@kubernetes-models/gateway-api/gateway.networking.k8s.io/v1'
import { ScaledObject } from '@kubernetes-models/keda/keda.sh/v1alpha1'
import { PodMonitor } from '@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1'
import { Deployment } from 'kubernetes-models/apps/v1'
import { Service } from 'kubernetes-models/v1'
import ts from 'typescript'
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { serveFlags } from '../../src/options/command-flags.js'
import { flagName, settleFlags } from '../../src/options/flags.js'
import { inferencePool } from '../support/kubernetes/inference-pool.js'
import { closeAfterEach, serve } from '../support/serve.js'

// The files of deploy/kubernetes, against published schemas, and against each other. No cluster
// has seen them.

closeAfterEach()

const folder = fileURLToPath(new URL('../../deploy/kubernetes/', import.meta.url))

// biome-ignore lint/suspicious/noExplicitAny: manifests of many kinds
function read(name: string): any {
  return parse(readFileSync(path.join(folder, name), 'utf8'))
}

interface Published {
  readonly module: string
  readonly type: string
  readonly make: new (data: never) => { validate(): void }
}

const gateway = '@kubernetes-models/gateway-api/gateway.networking.k8s.io/v1'
const operator = '@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1'
const keda = '@kubernetes-models/keda/keda.sh/v1alpha1'
const published: Record<string, Published> = {
  'deployment.yaml': { module: 'kubernetes-models/apps/v1', type: 'IDeployment', make: Deployment },
  'service.yaml': { module: 'kubernetes-models/v1', type: 'IService', make: Service },
  'http-route.yaml': { module: gateway, type: 'IHTTPRoute', make: HTTPRoute },
  'pod-monitor.yaml': { module: operator, type: 'IPodMonitor', make: PodMonitor },
  'scaled-object.yaml': { module: keda, type: 'IScaledObject', make: ScaledObject },
}

function validate(name: string, manifest: unknown): void {
  const { make: Kind } = published[name] as Published
  new Kind(manifest as never).validate()
}

/** A schema of Kubernetes allows fields that nobody reads; a type of TypeScript does not. */
function unknownFields(manifests: Record<string, unknown>): string[] {
  const lines = Object.entries(manifests).map(([name, manifest], i) => {
    const { module, type } = published[name] as Published
    const json = JSON.stringify(manifest)
    return `import type { ${type} } from '${module}'; export const a${i}: ${type} = ${json}`
  })
  const file = path.join(folder, 'manifests.ts')
  const options: ts.CompilerOptions = {
    noEmit: true,
    strict: true,
    skipLibCheck: true,
    module: ts.ModuleKind.ESNext,
    moduleResolution: ts.ModuleResolutionKind.Bundler,
    types: [],
  }
  const host = ts.createCompilerHost(options)
  const { getSourceFile, fileExists } = host
  host.fileExists = (name) => name === file || fileExists(name)
  host.getSourceFile = (name, version) => {
    if (name !== file) return getSourceFile(name, version)
    return ts.createSourceFile(name, lines.join('\n'), version)
  }
  const program = ts.createProgram([file], options, host)
  const source = program.getSourceFile(file)
  return program.getSemanticDiagnostics(source).map(({ messageText }) => {
    return ts.flattenDiagnosticMessageText(messageText, ' ')
  })
}

describe('against published schemas', () => {
  test.each(Object.keys(published))('%s is valid', (name) => {
    validate(name, read(name))
    expect(() => validate(name, { ...read(name), spec: 'x' })).toThrow()
  })

  test('no manifest has a field that its kind does not have', () => {
    const all = Object.fromEntries(Object.keys(published).map((name) => [name, read(name)]))
    expect(unknownFields(all)).toEqual([])
    const deployment = read('deployment.yaml')
    deployment.spec.template.spec.containers[0].livenesProbe = {}
    expect(unknownFields({ 'deployment.yaml': deployment }).join()).toContain('livenesProbe')
  })

  test('the pool is valid, and has no field that its kind does not have', () => {
    const pool = read('inference-pool.yaml')
    expect(inferencePool.safeParse(pool)).toMatchObject({ success: true })
    for (const spec of [
      { ...pool.spec, targetPorts: [] },
      { ...pool.spec, selector: { matchLabels: {} } },
      { ...pool.spec, endpointPickerRef: { port: { number: 9002 } } },
      { ...pool.spec, extra: 1 },
    ]) {
      expect(inferencePool.safeParse({ ...pool, spec }).success).toBe(false)
    }
  })

  test('each file is looked at', () => {
    const others = ['inference-pool.yaml', 'endpoint-picker-config.yaml', 'kustomization.yaml']
    expect(readdirSync(folder).sort()).toEqual([...Object.keys(published), ...others].sort())
    for (const name of read('kustomization.yaml').resources) {
      expect(Object.keys(published)).toContain(name)
    }
  })
})

/** What `sluice serve` makes of the container's arguments. */
function flagsOf(args: readonly string[]) {
  expect(args[0]).toBe('serve')
  const keys = Object.keys(serveFlags) as (keyof typeof serveFlags)[]
  const given: Record<string, unknown> = {}
  for (const arg of args.slice(1)) {
    const [name = '', value] = arg.split(/=(.*)/s)
    const key = keys.find((one) => flagName(one) === name)
    if (key === undefined) throw new Error(`there is no ${name}`)
    given[key] = serveFlags[key].many ? [value] : (value ?? true)
  }
  return settleFlags(serveFlags, given, {})
}

describe('against each other', () => {
  const deployment = read('deployment.yaml')
  const pod = deployment.spec.template
  const [container] = pod.spec.containers
  const [init] = pod.spec.initContainers
  const flags = flagsOf(container.args)
  const portOf = (name: string) => {
    return container.ports.find((one: { name: string }) => one.name === name).containerPort
  }

  test('the ports are those of the flags, and what is read there needs no key', () => {
    expect(portOf('http')).toBe(flags.port)
    expect(portOf('metrics')).toBe(flags.metricsPort)
    expect(read('service.yaml').spec.ports[0].targetPort).toBe('http')
    expect(read('inference-pool.yaml').spec.targetPorts).toEqual([{ number: flags.port }])
    expect(read('http-route.yaml').spec.rules[0].backendRefs[0].port).toBe(flags.port)
    expect(read('pod-monitor.yaml').spec.podMetricsEndpoints[0].port).toBe('metrics')
    const { startupProbe, readinessProbe, livenessProbe } = container
    expect(startupProbe.httpGet).toEqual({ path: '/health', port: 'http' })
    expect(readinessProbe.httpGet).toEqual({ path: '/health', port: 'http' })
    expect(livenessProbe.httpGet).toEqual({ path: '/metrics', port: 'metrics' })
    expect(read('endpoint-picker-config.yaml').plugins[0].parameters.port).toBe(flags.metricsPort)
  })

  test('labels find the pods, and say whose names the metrics have', () => {
    const { labels } = pod.metadata
    for (const selector of [
      deployment.spec.selector.matchLabels,
      read('service.yaml').spec.selector,
      read('inference-pool.yaml').spec.selector.matchLabels,
      read('pod-monitor.yaml').spec.selector.matchLabels,
    ]) {
      expect(labels).toMatchObject(selector)
    }
    expect(labels['llm-d.ai/engine-type']).toBe(flags.metricsNames)
    expect(read('scaled-object.yaml').spec.scaleTargetRef.name).toBe(deployment.metadata.name)
    expect(read('http-route.yaml').spec.rules[0].backendRefs[0]).toMatchObject({
      kind: 'InferencePool',
      name: read('inference-pool.yaml').metadata.name,
    })
  })

  test('what is scaled by is a metric that is told', async () => {
    const { query } = read('scaled-object.yaml').spec.triggers[0].metadata
    const [name = ''] = /vllm:\w+/.exec(query) ?? []
    const { url } = await serve({ server: { metricsNames: 'vllm' } })
    const text = await (await fetch(`${url}/metrics`)).text()
    expect(text).toContain(`\n${name}{`)
  })

  test('there is time to drain before the pod is killed', () => {
    const { preStop } = container.lifecycle
    const spent = preStop.sleep.seconds + flags.drainMs / 1000
    expect(pod.spec.terminationGracePeriodSeconds).toBeGreaterThanOrEqual(spent + 5)
  })

  test('the pod runs as nobody in particular, over a root that is read-only', () => {
    expect(pod.spec.securityContext).toMatchObject({ runAsNonRoot: true, runAsUser: 1000 })
    for (const one of [container, init]) {
      expect(one.securityContext).toEqual({
        allowPrivilegeEscalation: false,
        readOnlyRootFilesystem: true,
        capabilities: { drop: ['ALL'] },
      })
    }
    expect(pod.spec.automountServiceAccountToken).toBe(false)
    expect(pod.spec.enableServiceLinks).toBe(false)
  })

  test('the model that is served is the one that is pulled', () => {
    expect(init.args).toEqual(['pull', flags.model[0]])
    const homes = [init, container].map(({ env }) => {
      return env.find((one: { name: string }) => one.name === 'HF_HOME').value
    })
    const mounted = container.volumeMounts.find((one: { name: string }) => one.name === 'models')
    expect(homes).toEqual([mounted.mountPath, mounted.mountPath])
    const keys = container.volumeMounts.find((one: { name: string }) => one.name === 'keys')
    expect(path.posix.dirname(flags.apiKeyFile ?? '')).toBe(keys.mountPath)
  })
})
