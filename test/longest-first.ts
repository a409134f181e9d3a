import { BaseSequencer, type TestSpecification } from 'vitest/node'

/**
 * Files that take half a minute and more come first of their project, so that no worker waits for
 * one at its end. On a fresh clone, where none has run, vitest goes by the size of the files.
 */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files)
    const projects = [...new Set(sorted.map(({ project }) => project))]
    return projects.flatMap((project) => {
      const own = sorted.filter((file) => file.project === project)
      const [first, rest] = [own.filter(isLong), own.filter((file) => !isLong(file))]
      return [...first, ...rest]
    })
  }
}

const long = [
  'native/native',
  'native/tile-configuration',
  'mutants/mutants',
  'package/types',
  'e2e/engine/exact',
  'e2e/isolation/cli-serve',
  'examples/docs',
  'e2e/engine/failed-calls',
]

function isLong({ moduleId }: TestSpecification): boolean {
  return long.some((name) => moduleId.endsWith(`/test/${name}.test.ts`))
}
