/**
 * A reporter of vitest: names the tests that failed and then passed, each with its first error.
 * Such a test is a fault, of the test or of the product, that is seen now and then.
 */
export default class SecondTries {
  /** @param {ReadonlyArray<import('vitest/node').TestModule>} modules */
  onTestRunEnd(modules) {
    const tests = modules.flatMap((module) => [...module.children.allTests('passed')])
    const again = tests.filter((test) => test.diagnostic()?.flaky)
    if (again.length === 0) return
    console.log(`${again.length} passed only at the second try. Each is a fault to be found:`)
    for (const test of again) {
      const [error] = test.result().errors ?? []
      console.log(`  ${test.module.relativeModuleId} > ${test.fullName}`)
      console.log(`    ${(error?.message ?? '').split('\n').join('\n    ')}`)
    }
  }
}
