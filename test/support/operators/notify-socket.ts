import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { eventually } from '../eventually.js'

// Node has no datagram sockets of this kind. Perl has, and is part of each Debian.
const program = `
use Socket;
socket(my $socket, AF_UNIX, SOCK_DGRAM, 0) or die $!;
bind($socket, pack_sockaddr_un($ARGV[0])) or die $!;
$| = 1;
print "bound\\n";
while (defined recv($socket, my $text, 65536, 0)) {
  $text =~ s/\\n/ /g;
  print "$text\\n";
}
`

export const hasPerl = spawnSync('perl', ['-MSocket', '-e', '1']).status === 0

/** A service manager's socket, as far as a service tells it something. */
export class NotifySocket {
  readonly path: string
  readonly #child: ChildProcess
  #said = ''

  private constructor(path: string) {
    this.path = path
    this.#child = spawn('perl', ['-e', program, path], { stdio: ['ignore', 'pipe', 'inherit'] })
    this.#child.stdout?.setEncoding('utf8').on('data', (part: string) => {
      this.#said += part
    })
  }

  static async open(path: string): Promise<NotifySocket> {
    const socket = new NotifySocket(path)
    await eventually(() => socket.#said.includes('bound\n'), 'the socket was not made')
    return socket
  }

  /** What it was told, a line each. */
  get told(): string[] {
    return this.#said.split('\n').slice(1, -1)
  }

  close(): void {
    this.#child.kill('SIGKILL')
  }
}
