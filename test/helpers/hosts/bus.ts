import type { PrivateSpace } from '../private-space.js'
import { until } from '../process.js'

const SOCKET = '/run/dbus/system_bus_socket'
/** Everybody may do everything: in a space there is root alone. */
const CONFIG = `<busconfig>
  <type>system</type>
  <listen>unix:path=${SOCKET}</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow user="*"/>
    <allow own="*"/>
    <allow send_destination="*"/>
    <allow receive_sender="*"/>
  </policy>
</busconfig>
`

/** Starts a system bus inside a space; systemd's daemons and firewalld need one. */
export async function startBus(space: PrivateSpace): Promise<void> {
  await space.write('/run/dbus/zoo.conf', CONFIG)
  const settings = ['--config-file=/run/dbus/zoo.conf', '--nofork', '--nopidfile']
  space.start('dbus', 'dbus-daemon', settings)
  const there = () => space.run('test', ['-S', SOCKET])
  await until('the system bus', async () => (await there()).code === 0)
}
