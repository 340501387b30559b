/** A mail server on this machine that does as it is told: offers TLS or not, refuses, falls silent, hangs up. */

import { createServer, type Socket } from 'node:net';
import { createServer as createTlsServer, TLSSocket } from 'node:tls';
import { closeLater, listen, TLS } from './support.js';

export interface SmtpScript {
  /** TLS from the first byte, or offered, or not at all. */
  readonly tls: 'implicit' | 'offered' | 'none';
  readonly login?: boolean;
  /** Instead of the usual reply to a command, or to the `greeting` or the `end` of the mail. Empty: silence. `hang up`. */
  readonly replies?: Readonly<Record<string, string>>;
}

export interface SmtpServer {
  readonly port: number;
  /** Every line of every conversation, the mails included. */
  readonly lines: string[];
  readonly connections: () => number;
}

export async function smtpServer(script: SmtpScript): Promise<SmtpServer> {
  const lines: string[] = [];
  const open = new Set<Socket>();
  let connections = 0;
  const serve = (socket: Socket): void => {
    open.add(socket);
    socket.on('close', () => open.delete(socket));
    converse(socket, script, lines, script.tls === 'implicit');
  };
  const server = script.tls === 'implicit' ? createTlsServer(TLS, serve) : createServer(serve);
  server.on('connection', (socket: Socket) => {
    connections += 1;
    socket.on('error', () => undefined);
  });
  const port = await listen(server);
  closeLater(
    () =>
      new Promise((resolve) => {
        for (const socket of open) socket.destroy();
        server.close(() => resolve());
      }),
  );
  return { port, lines, connections: () => connections };
}

function converse(socket: Socket, script: SmtpScript, lines: string[], secured: boolean, greets = true): void {
  const { replies = {} } = script;
  let mode: 'commands' | 'mail' | 'login' = 'commands';
  let rest = '';
  const say = (step: string, usual: string): void => {
    const reply = replies[step] ?? usual;
    if (reply === 'hang up') socket.destroy();
    else if (reply !== '') socket.write(`${reply}\r\n`);
  };
  const capabilities = [
    '250-mail.example.net',
    ...(script.tls === 'offered' && !secured ? ['250-STARTTLS'] : []),
    ...(script.login === true ? ['250-AUTH PLAIN LOGIN'] : []),
    '250 8BITMIME',
  ].join('\r\n');
  const upgrade = (): void => {
    socket.removeAllListeners('data');
    socket.write('220 go on\r\n');
    const inner = new TLSSocket(socket, { ...TLS, isServer: true });
    inner.on('error', () => undefined);
    converse(inner, script, lines, true, false);
  };
  const answer = (line: string): void => {
    lines.push(line);
    if (mode === 'mail') {
      if (line !== '.') return;
      mode = 'commands';
      say('end', '250 2.0.0 queued');
      return;
    }
    const verb = line.split(/[ :]/)[0]?.toUpperCase() ?? '';
    if (verb === 'EHLO') say('EHLO', capabilities);
    else if (verb === 'STARTTLS' && script.tls === 'offered' && replies['STARTTLS'] === undefined) upgrade();
    else if (verb === 'STARTTLS') say('STARTTLS', '502 5.5.1 not known');
    else if (verb === 'AUTH') say('AUTH', '235 2.7.0 welcome');
    else if (verb === 'DATA') {
      mode = 'mail';
      say('DATA', '354 go on');
    } else if (verb === 'RCPT') say(line.includes('gone@') ? 'gone' : 'RCPT', '250 2.1.5 yes');
    else say(verb, '250 2.0.0 yes');
  };
  socket.on('error', () => undefined);
  socket.on('data', (data) => {
    rest += data.toString('latin1');
    for (let at = rest.indexOf('\r\n'); at >= 0; at = rest.indexOf('\r\n')) {
      const line = rest.slice(0, at);
      rest = rest.slice(at + 2);
      answer(line);
    }
  });
  if (greets) say('greeting', '220 mail.example.net ESMTP');
}
