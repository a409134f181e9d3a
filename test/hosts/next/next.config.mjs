import path from 'node:path'

// Packages lie in the parent and in the checkout; an app of its own needs no root.
const root = path.resolve(import.meta.dirname, '../../..')

export default {
  // A test wants to see what is said without this line.
  ...(process.env.WITHOUT_EXTERNAL ? {} : { serverExternalPackages: ['sluice'] }),
  turbopack: { root },
  outputFileTracingRoot: root,
}
