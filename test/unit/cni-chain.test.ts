import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import {
  addChain,
  ChainUndoError,
  configFor,
  delChain,
} from '../../dist/esm/cni/runtime/chain.js'
import { loadList, parseList } from '../../dist/esm/cni/runtime/list.js'
import { execProgram } from '../../dist/esm/host/exec.js'

const attachment = {
  containerId: 'c1',
  netns: '/proc/1/ns/net',
  ifname: 'eth0',
  args: 'K8S_POD_NAME=a;K8S_POD_NAMESPACE=b',
  capabilityArgs: { portMappings: [{ hostPort: 1 }], bandwidth: {} },
}

/** Plug-ins that note each call, answer with their own name, and fail when told. */
function fakePlugins(test: Test, fail: Record<string, string> = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'cni-chain-'))
  test.teardown(() => rmSync(folder, { recursive: true }))
  for (const name of ['first', 'second']) {
    const script = `#!/bin/sh
      config=$(cat)
      echo "$CNI_COMMAND ${name} $CNI_CONTAINERID $CNI_IFNAME $CNI_ARGS" >> ${folder}/calls
      echo "$config" > "${folder}/$CNI_COMMAND.${name}"
      if [ "$CNI_COMMAND" = '${fail[name] ?? ''}' ]; then
        echo '{ "code": 102, "msg": "${name} will not" }'; exit 1
      fi
      [ "$CNI_COMMAND" = DEL ] || echo '{ "cniVersion": "0.3.1", "dns": { "domain": "${name}" } }'
    `
    writeFileSync(join(folder, name), script, { mode: 0o755 })
  }
  const read = (file: string) => readFileSync(join(folder, file), 'utf8')
  return {
    options: {
      path: [folder],
      host: { exec: execProgram, env: process.env },
      stderr: () => undefined,
    },
    calls: () => read('calls').trim().split('\n'),
    config: (name: string) => JSON.parse(read(name)) as Record<string, unknown>,
  }
}

const list = (cniVersion = '0.3.1') => ({
  cniVersion,
  name: 'net',
  plugins: [
    { type: 'first', capabilities: { portMappings: false } },
    { type: 'second', capabilities: { portMappings: true }, snat: true },
  ],
})

t.test('ADD in order, each with the result before; DEL in reverse', async (st) => {
  const { options, calls, config } = fakePlugins(st)
  st.equal((await addChain(list(), attachment, options)).dns?.domain, 'second')
  await delChain(list(), attachment, options)
  const rest = `c1 eth0 ${attachment.args}`
  st.strictSame(
    calls(),
    ['ADD first', 'ADD second', 'DEL second', 'DEL first'].map(
      (call) => `${call} ${rest}`,
    ),
  )
  st.strictSame(config('ADD.first'), { type: 'first', cniVersion: '0.3.1', name: 'net' })
  st.match(config('ADD.second'), {
    snat: true,
    runtimeConfig: { portMappings: [{ hostPort: 1 }] },
    prevResult: { cniVersion: '0.3.1', dns: { domain: 'first' } },
  })
  st.notOk('capabilities' in config('ADD.second'), 'capabilities are the runtime’s')
  st.notOk('prevResult' in config('DEL.first'), 'not before 0.4.0')
})

t.test('DEL gets the result from 0.4.0 on', async (st) => {
  const { options, config } = fakePlugins(st)
  await delChain(list('0.4.0'), attachment, options, { dns: { domain: 'x' } })
  st.match(config('DEL.first'), { prevResult: { dns: { domain: 'x' } } })
})

t.test('a failed ADD is undone', async (st) => {
  const { options, calls } = fakePlugins(st, { second: 'ADD' })
  await st.rejects(addChain(list(), attachment, options), {
    code: 102,
    message: 'second: second will not',
  })
  const verbs = calls().map((call) => call.split(' ').slice(0, 2).join(' '))
  st.strictSame(verbs, ['ADD first', 'ADD second', 'DEL second', 'DEL first'])
})

t.test('an undo that fails is told', async (st) => {
  const { options } = fakePlugins(st, { first: 'DEL', second: 'ADD' })
  try {
    await addChain(list(), attachment, options)
    st.fail('it must throw')
  } catch (error) {
    st.type(error, ChainUndoError)
    st.match(
      String(error),
      /second will not; undoing it failed too: first: first will not/,
    )
  }
})

t.test('a plug-in that is not there', async (st) => {
  const broken = { ...list(), plugins: [{ type: 'third' }] }
  const { options } = fakePlugins(st)
  await st.rejects(addChain(broken, attachment, options), {
    message: /third: not found \(plugins\[0\]\.type\)/,
  })
})

t.test('lists that cannot be used', async (st) => {
  const wrong: [unknown, RegExp][] = [
    [[], /x: not a JSON object/],
    [{ plugins: [{ type: 'a' }] }, /x: name is missing/],
    [{ name: 'a b', plugins: [] }, /x: name: "a b" is not valid/],
    [{ name: 'a' }, /x: plugins is missing: list at least one/],
    [{ name: 'a', plugins: [{}] }, /x: plugins\[0\]\.type is missing/],
    [
      { name: 'a', plugins: [{ type: '../a' }] },
      /plugins\[0\]\.type: .* file name of a plug-in/,
    ],
    [{ name: 'a', cniVersion: '9', plugins: [] }, /cniVersion: "9" is not valid/],
  ]
  for (const [json, pattern] of wrong) {
    st.throws(() => parseList(json, 'x'), { code: 7, message: pattern })
  }
  st.throws(() => loadList('/nothing'), {
    code: 5,
    message: /\/nothing cannot be read: ENOENT/,
  })
  st.equal(configFor(list(), { type: 'a' }, {}).name, 'net')
})
