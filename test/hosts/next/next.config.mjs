import path from 'node:path'

// This folder's packages lie in its parent's; an app with a package-lock.json needs no root.
const root = path.resolve(import.meta.dirname, '..')

export default {
  serverExternalPackages: ['sluice'],
  turbopack: { root },
  outputFileTracingRoot: root,
}
