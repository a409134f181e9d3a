import fs from 'node:fs'
import path from 'node:path'
import { inRoot } from './root.mjs'

/** What every product depends on. */
const buildFiles = [
  'CMakeLists.txt',
  'cmake',
  'package.json',
  'deps/llama.lock.json',
  'deps/patches',
]

/**
 * @typedef {object} BuildOptions
 * @property {string} backend
 * @property {string} config
 * @property {string} arch
 * @property {boolean} tests
 * @property {boolean} release the layout of a package
 * @property {string} sanitize builds only what is tested with this sanitizer
 * @property {string[]} defines CMake's NAME=VALUE
 *
 * @typedef {object} Product
 * @property {string} target CMake's name
 * @property {string} file in CMake's folder
 * @property {string} result in build/
 * @property {string[]} sources what it is made from, besides llama.cpp
 * @property {boolean} [optional] CMake decides whether this machine can have it
 */

/**
 * What a build with these options makes, in this order.
 * @param {BuildOptions} options
 * @returns {Product[]}
 */
export function nativeProducts({ backend, config, tests, release, sanitize }) {
  if (release) return [releaseProduct(backend, config)]
  const addon = addonOf(config)
  const programs = ['sluice-native-tests', 'sluice-llama-tests', 'sluice-kernel-tests']
  const everywhere = [addon, ...programs.map((name) => testProgram(name, config))]
  if (sanitize) return everywhere.map((one) => ({ ...one, result: resultOf(sanitize, one.file) }))
  if (!tests) return [addon]
  if (process.platform !== 'linux') return everywhere
  const others = ['faulty', 'failing', 'failed-calls', 'devices'].map((name) =>
    variant(addon, name),
  )
  return [...everywhere, ...others, mallocUse(config), ...softAmx(addon, config)]
}

/** @param {string} config @returns {Product} */
function addonOf(config) {
  return {
    target: 'sluice',
    file: 'sluice.node',
    result: `${config}/sluice.node`,
    sources: sources(...nativeFolders().filter((folder) => folder !== 'native/test')),
  }
}

/**
 * The addon with something else linked in, below its folder, where it is not taken for the addon.
 * @param {Product} addon
 * @param {string} name
 * @returns {Product}
 */
function variant(addon, name) {
  const result = `${path.posix.dirname(addon.result)}/${name}/sluice.node`
  return { ...addon, target: `sluice-${name}`, file: `sluice-${name}.node`, result }
}

/** @param {string} config @returns {Product} */
function mallocUse(config) {
  const file = 'sluice-malloc-use.node'
  return {
    target: 'sluice-malloc-use',
    file,
    result: `${config}/malloc-use/${file}`,
    sources: sources('native/addon/test'),
    optional: true,
  }
}

/**
 * Beside the folders of configurations, so that a sanitized addon cannot be taken for the addon.
 * @param {string} sanitizer
 * @param {string} file
 */
function resultOf(sanitizer, file) {
  return `${sanitizer}/${file}`
}

/**
 * @param {string} name
 * @param {string} config
 * @returns {Product}
 */
function testProgram(name, config) {
  const suffix = process.platform === 'win32' ? '.exe' : ''
  return {
    target: name,
    file: name + suffix,
    result: `${config}/${name}${suffix}`,
    sources: sources(...nativeFolders().filter((folder) => folder !== 'native/addon')),
  }
}

/**
 * With AMX in software: see cmake/kernel-tests.cmake.
 * @param {Product} addon
 * @param {string} config
 * @returns {Product[]}
 */
function softAmx(addon, config) {
  const kernels = testProgram('sluice-kernel-tests-soft-amx', config)
  return [kernels, variant(addon, 'soft-amx')].map((one) => ({ ...one, optional: true }))
}

/**
 * @param {string} backend
 * @param {string} config
 * @returns {Product}
 */
function releaseProduct(backend, config) {
  // Metal is part of the package for macOS; the others are packages of their own.
  if (backend === 'cpu' || backend === 'metal') {
    return { ...addonOf(config), result: `prebuild/build/${config}/sluice.node` }
  }
  const [prefix, suffix] = process.platform === 'win32' ? ['', '.dll'] : ['lib', '.so']
  const file = `${prefix}ggml-${backend}${suffix}`
  return {
    target: `ggml-${backend}`,
    file,
    result: `prebuild-${backend}/${file}`,
    sources: sources(),
  }
}

/** @param {string[]} own of a product, besides what all depend on */
function sources(...own) {
  return [...buildFiles, ...own].map((name) => inRoot(name))
}

function nativeFolders() {
  return fs.readdirSync(inRoot('native')).map((name) => `native/${name}`)
}
