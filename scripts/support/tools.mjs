import fs from 'node:fs'
import path from 'node:path'
import { run } from './run.mjs'
import { Stop } from './stop.mjs'

/** How each tool is installed, by `process.platform`. */
const packages = {
  git: {
    linux: 'sudo apt install git',
    darwin: 'xcode-select --install',
    win32: 'winget install Git.Git',
  },
  tar: {
    linux: 'sudo apt install tar',
    darwin: 'it is part of macOS; look at your PATH',
    win32: 'it is part of Windows 10 and later; look at your PATH',
  },
  cmake: {
    linux: 'sudo apt install cmake',
    darwin: 'brew install cmake',
    win32: 'winget install Kitware.CMake',
  },
  make: {
    linux: 'sudo apt install ninja-build',
    darwin: 'xcode-select --install',
    win32: 'winget install Ninja-build.Ninja',
  },
  compiler: {
    linux: 'sudo apt install g++',
    darwin: 'xcode-select --install',
    win32:
      'winget install Microsoft.VisualStudio.2022.BuildTools (with "Desktop development with C++")',
  },
  nvcc: {
    linux: "NVIDIA's CUDA toolkit (sudo apt install nvidia-cuda-toolkit), with nvcc on the PATH",
    darwin: 'there is no CUDA for macOS; use --metal',
    win32: 'winget install Nvidia.CUDA',
  },
  vulkan: {
    linux: 'sudo apt install libvulkan-dev glslc spirv-headers',
    darwin: 'brew install vulkan-loader vulkan-headers shaderc spirv-headers',
    win32: 'winget install KhronosGroup.VulkanSDK',
  },
}

/** @typedef {keyof typeof packages} Tool */

/**
 * Stops with the name of the package to install.
 * @param {Tool} tool
 * @param {string} what is missing, as a person would say it
 * @param {string} why it is needed
 * @returns {never}
 */
export function stopForTool(tool, what, why) {
  const byPlatform = packages[tool]
  const here = byPlatform[/** @type {keyof typeof byPlatform} */ (process.platform)]
  const hint =
    here ??
    Object.values(byPlatform)
      .filter((text, i, all) => all.indexOf(text) === i)
      .join('; ')
  throw new Stop(`${what}, needed ${why}.\nTo install: ${hint}`)
}

/**
 * The first of these programs that is on the PATH (or is a path itself).
 * @param {(string | undefined)[]} names
 */
export function findProgram(names) {
  const suffixes = process.platform === 'win32' ? ['.exe', '.cmd', '.bat', ''] : ['']
  const folders = (process.env.PATH ?? '').split(path.delimiter)
  for (const name of names) {
    if (!name) continue
    const places = path.isAbsolute(name) ? [name] : folders.map((folder) => path.join(folder, name))
    const found = places.flatMap((place) => suffixes.map((s) => place + s)).find(isProgram)
    if (found) return found
  }
  return undefined
}

/** @param {string} file */
function isProgram(file) {
  try {
    fs.accessSync(file, fs.constants.X_OK)
    return fs.statSync(file).isFile()
  } catch (error) {
    if (error instanceof Error && 'code' in error) return false
    throw error
  }
}

/**
 * What a native build needs, looked for before CMake fails less clearly.
 * @param {string} backend
 */
export async function requireBuildTools(backend) {
  const why = "to build Sluice's native code"
  if (!findProgram(['cmake'])) stopForTool('cmake', 'CMake is not installed', why)
  const { output } = await run('cmake', ['--version'], { quiet: true })
  const [, major, minor] = /version (\d+)\.(\d+)/.exec(output) ?? []
  if (Number(major) * 1000 + Number(minor) < 3018) {
    stopForTool('cmake', `CMake 3.18 or newer is not installed (found ${major}.${minor})`, why)
  }
  if (process.platform !== 'win32') {
    // On Windows cmake-js looks for Visual Studio itself.
    if (!findProgram([process.env.CXX, 'c++', 'g++', 'clang++'])) {
      stopForTool('compiler', 'A C++ compiler is not installed', why)
    }
    if (!findProgram(['ninja', 'make'])) {
      stopForTool('make', 'Neither ninja nor make is installed', why)
    }
  }
  if (backend === 'cuda') requireCuda()
  if (backend === 'vulkan' && !findProgram(['glslc', inVulkanSdk('glslc')])) {
    stopForTool('vulkan', 'The Vulkan shader compiler (glslc) is not installed', 'for --vulkan')
  }
}

function requireCuda() {
  const { CUDACXX, CUDA_PATH } = process.env
  const inToolkit = CUDA_PATH && path.join(CUDA_PATH, 'bin', 'nvcc')
  if (!findProgram([CUDACXX, 'nvcc', inToolkit, '/usr/local/cuda/bin/nvcc'])) {
    stopForTool('nvcc', 'The CUDA compiler (nvcc) is not installed', 'for --cuda')
  }
}

/** @param {string} name */
function inVulkanSdk(name) {
  return process.env.VULKAN_SDK && path.join(process.env.VULKAN_SDK, 'bin', name)
}
