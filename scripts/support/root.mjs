import path from 'node:path'

/** The package's folder: the checkout, or node_modules/sluice. */
export const root = path.resolve(import.meta.dirname, '../..')

/** @param {...string} parts */
export const inRoot = (...parts) => path.join(root, ...parts)
