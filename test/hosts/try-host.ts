import t from 'tap'
import { CELLS, type HostKind } from '../helpers/hosts/host-kind.js'
import { missingPackages } from '../helpers/hosts/keeper.js'
import { runMatrix } from '../helpers/hosts/matrix.js'
import { buildHost } from '../helpers/hosts/zoo.js'

/** What a test expects of a host beside that nothing is broken. */
export interface Expectation {
  /** The plug-ins' words, where they are right not to attach a pod there. */
  refused?: RegExp
}

/** Builds a host, runs the matrix on it, and asserts that nothing is broken. */
export function tryHost(kind: HostKind, { refused }: Expectation = {}): void {
  t.test(`${kind.name}: ${kind.title}`, async (test) => {
    test.strictSame(missingPackages(kind), [], 'Debian’s packages for it are there')
    const ready = await buildHost(kind)
    test.teardown(async () => {
      await ready.prepared.close?.()
      await ready.host.destroy()
    })
    const report = await runMatrix(ready)
    if (refused) test.match(report.refused, refused)
    else test.equal(report.refused, undefined, 'pods are attached')
    for (const cell of CELLS) {
      const { state, notes } = report.cells[cell]
      test.not(state, 'broken', cell, { notes })
    }
  })
}
