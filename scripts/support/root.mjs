import path from 'node:path'
import { fileURLToPath } from 'node:url'

/** The package's folder: the checkout, or node_modules/sluice. */
export const root = fileURLToPath(new URL('../..', import.meta.url)).replace(/[\\/]$/, '')

/** @param {...string} parts */
export const inRoot = (...parts) => path.join(root, ...parts)
