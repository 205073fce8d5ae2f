/** A fake machine with plug-ins and a list, to attach containers on. */
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Test } from 'tap'
import { attach } from '../../dist/esm/cli/attach.js'
import { detach } from '../../dist/esm/cli/detach.js'
import { FakeMachine } from './fake-host.js'
import { callCommand, FakePlugins } from './fake-plugins.js'

/** What `-p 8080:80` means to portmap. */
export const MAPPING = { hostPort: 8080, containerPort: 80, protocol: 'tcp' }

/** The calls of an ADD of the rig's list. */
export const ADDS = ['ADD first', 'ADD second', 'ADD ports']
/** The calls of a DEL. */
export const DELS = ['DEL ports', 'DEL second', 'DEL first']

/** A machine with the plug-ins first, second and ports, and the list of all three. */
export function attachRig(test: Test) {
  const machine = new FakeMachine()
  test.teardown(() => rmSync(machine.folder, { recursive: true }))
  const plugins = new FakePlugins(machine, 'first', 'second', 'ports')
  const folder = join(machine.folder, 'keep', 'attachments')
  const listOf = (name: string, ...types: string[]) => {
    const file = join(machine.folder, `${name}.conflist`)
    const json = {
      cniVersion: '0.4.0',
      name,
      plugins: types.map((type) => ({
        type,
        ...(type === 'ports' && { capabilities: { portMappings: true } }),
      })),
    }
    writeFileSync(file, JSON.stringify(json))
    return file
  }
  const conflist = listOf('net', 'first', 'second', 'ports')
  const netns = join(machine.folder, 'netns')
  writeFileSync(netns, '')
  const places = (list: string) => ['--conflist', list, '--cni-path', plugins.folder]
  return {
    machine,
    plugins,
    folder,
    listOf,
    netns,
    attach: (id: string, args: string[] = [], list = conflist) =>
      callCommand(
        machine,
        attach,
        ...['--container', id, '--netns', netns, ...places(list), ...args],
      ),
    detach: (args: string[], list = conflist) =>
      callCommand(machine, detach, ...places(list), ...args),
    files: () => {
      try {
        return readdirSync(folder)
      } catch {
        return []
      }
    },
    record: (name: string) => JSON.parse(readFileSync(join(folder, name), 'utf8')),
  }
}
