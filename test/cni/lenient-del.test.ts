/**
 * DEL with a broken configuration releases all of a pod: the real programs, with many members broken
 * at once. Each member alone is in test/unit/engine-lenient-del.test.ts.
 */
import { rmSync } from 'node:fs'
import t, { type Test } from 'tap'
import type { CniRunner } from '../helpers/cni-runner.js'
import {
  addPod,
  assertNoPods,
  callProgram,
  makeHost,
  resetHost,
  runtime,
  type Env,
} from './support/setup.js'

// The usual time is for an idle machine.
t.setTimeout(300_000)

interface Broken {
  readonly fields?: Record<string, unknown>
  readonly ipam?: Record<string, unknown>
  readonly env?: Env
}

const BROKEN: Record<string, Broken> = {
  'all members are wrong': {
    fields: {
      ...{ mode: 'transparent', master: ['eth0'], bridge: '../azure0', ipam: 5 },
      ...{ bridgeLifetime: 7, masquerade: 'yes', dns: { nameservers: ['ns.example'] } },
      ...{ logLevel: {}, prevResult: 'x', runtimeConfig: [], args: 5, nonsense: true },
    },
    env: { CNI_ARGS: 'garbage' },
  },
  'the version is of another age': {
    fields: { cniVersion: '9.9.9', multiTenancy: true },
    ipam: { type: '../evil', subnet: 'fd00::/64' },
  },
  'all members are null': {
    fields: {
      ...{ mode: null, master: null, bridge: null, ipam: null, bridgeLifetime: null },
      ...{ masquerade: null, dns: null, logLevel: null, prevResult: null },
      ...{ runtimeConfig: null, args: null, cniVersion: null },
    },
    env: { CNI_NETNS: undefined, CNI_ARGS: undefined, CNI_PATH: undefined },
  },
}

/** Runs DEL of a program of the list with a broken configuration; it has to succeed in silence. */
async function del(
  test: Test,
  runner: CniRunner,
  program: 'azure-vnet' | 'portmap',
  { fields, ipam, env }: Broken,
): Promise<void> {
  const { host } = runner
  const conf = runner.conflist.plugins.find(({ type }) => type === program)!
  const config = runner.configFor(conf)
  const stdin = {
    ...config,
    ...(ipam && { ipam: { ...(config['ipam'] as object), ...ipam } }),
    ...fields,
  }
  const call = { CNI_CONTAINERID: 'pod', CNI_NETNS: host.pods.get('pod')! }
  const outcome = await callProgram(host, program, {
    command: 'DEL',
    stdin,
    env: { ...call, ...env },
  })
  test.match(outcome, { code: 0, stdout: '', stderr: '' })
}

const portMappings = [{ hostPort: 8080, containerPort: 80 }]

t.test('the real programs', async (test) => {
  const host = await makeHost(test)
  const before = await host.snapshot({ state: false })
  const vnet = { masquerade: true }
  const runner = runtime(host, { lifetime: 'node', vnet })
  for (const lost of [false, true]) {
    for (const [name, broken] of Object.entries(BROKEN)) {
      await test.test(lost ? `${name}, and the record is lost` : name, async (sub) => {
        await addPod(runner, 'pod', { portMappings })
        if (lost) rmSync(`${host.stateDir}/azure-vnet.json`)
        for (const program of ['portmap', 'azure-vnet'] as const)
          await del(sub, runner, program, broken)
        await assertNoPods(sub, host)
        const inside = await host.podExec('pod', 'ip', ['-j', 'link'])
        sub.equal(JSON.parse(inside.stdout).length, 1, 'nothing is left in the container')
      })
    }
  }
  await resetHost(test, host)
  test.strictSame(await host.changesSince(before, { state: false }), [])
})
