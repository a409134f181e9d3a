import { z } from 'zod'

// An InferencePool v1 as the Gateway API Inference Extension 1.6.0 defines it: the fields, which of
// them must be there, and their bounds. No package of npm has its schema.

const port = z.strictObject({ number: z.int().min(1).max(65_535) })
const labelValue = z.string().regex(/^(?:[A-Za-z0-9](?:[\w.-]{0,61}[A-Za-z0-9])?)?$/)
const domain = /^(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*$/

const picker = z.strictObject({
  group: z.string().max(253).regex(domain).or(z.literal('')).optional(),
  kind: z
    .string()
    .max(63)
    .regex(/^[A-Za-z](?:[A-Za-z0-9-]*[A-Za-z0-9])?$/)
    .optional(),
  name: z.string().min(1).max(253),
  port: port.optional(),
  failureMode: z.enum(['FailOpen', 'FailClose']).optional(),
})

const labels = z.record(z.string().min(1), labelValue)

export const inferencePool = z.strictObject({
  apiVersion: z.literal('inference.networking.k8s.io/v1'),
  kind: z.literal('InferencePool'),
  metadata: z.looseObject({ name: z.string() }),
  spec: z.strictObject({
    selector: z.strictObject({
      matchLabels: labels.refine((all) => {
        const count = Object.keys(all).length
        return count >= 1 && count <= 64
      }),
    }),
    targetPorts: z.array(port).min(1).max(8),
    appProtocol: z.enum(['http', 'kubernetes.io/h2c']).optional(),
    endpointPickerRef: picker.optional(),
  }),
})
