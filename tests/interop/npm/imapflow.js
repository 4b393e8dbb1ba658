// What a program built on ImapFlow does; the test asks for it with the server's port, the
// certificate and a password in the environment.  Ends with an error when anything is not as it
// should be.
import assert from 'node:assert/strict';
import {readFileSync} from 'node:fs';
import {ImapFlow} from 'imapflow';

const {PORT, CERTIFICATE, PASSWORD} = process.env;
const message = (n) => Buffer.from([
  'From: =?UTF-8?B?6Iqx5a2Q?= <hana@example.test>', 'To: 太郎 <taro@example.test>',
  `Subject: 第${n}号`, `Message-ID: <${n}@example.test>`, 'MIME-Version: 1.0',
  'Content-Type: multipart/mixed; boundary=b', '', '--b',
  'Content-Type: text/plain; charset=utf-8', 'Content-Transfer-Encoding: base64', '',
  Buffer.from(`お便り${n}`).toString('base64'), '--b',
  "Content-Type: text/csv; name*=UTF-8''%E5%90%8D%E7%B0%BF.csv",
  "Content-Disposition: attachment; filename*=UTF-8''%E5%90%8D%E7%B0%BF.csv", '', 'a,b', '--b--',
  ''].join('\r\n'));

async function connect(options = {}) {
  const client = new ImapFlow({
    host: 'localhost', port: Number(PORT), secure: true, logger: false,
    tls: {ca: readFileSync(CERTIFICATE)}, auth: {user: 'hana', pass: PASSWORD}, ...options});
  client.on('error', (error) => { throw error; });
  await client.connect();
  return client;
}

function next(client, event, wanted = () => true) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`no ${event}`)), 5000);
    client.on(event, function listener(what) {
      if (!wanted(what)) return;
      clearTimeout(timer);
      client.off(event, listener);
      resolve(what);
    });
  });
}

async function text(stream) {
  const pieces = [];
  for await (const piece of stream) pieces.push(piece);
  return Buffer.concat(pieces);
}

const one = await connect({qresync: true});
const two = await connect();

// Mailboxes with Japanese names.
await one.mailboxCreate(['仕事', '2026年']);
const listed = await one.list({statusQuery: {messages: true, uidNext: true}});
assert.ok(listed.some((box) => box.path === '仕事/2026年' && box.name === '2026年' &&
                               box.status.messages === 0));
assert.equal(listed.find((box) => box.specialUse === '\\Sent')?.flags.has('\\NonExistent'), false);
await one.mailboxRename('仕事/2026年', '仕事/令和8年');
assert.ok((await two.list()).some((box) => box.path === '仕事/令和8年'));

// Appending, and what a list of messages is made of.
const date = new Date('2026-01-01T00:00:00Z');
for (let n = 1; n <= 3; ++n) {
  const made = await one.append('仕事/令和8年', message(n), ['\\Seen', '$Label'], date);
  assert.equal(made.uid, n);
  assert.ok(made.uidValidity > 0n);
}
await one.mailboxOpen('仕事/令和8年');
const found = await one.fetchAll('1:*', {
  uid: true, flags: true, envelope: true, bodyStructure: true, internalDate: true, size: true,
  threadId: true, headers: ['message-id']});
assert.deepEqual(found.map((m) => m.uid), [1, 2, 3]);
assert.equal(found[0].envelope.subject, '第1号');
assert.equal(found[0].envelope.from[0].name, '花子');
assert.equal(found[0].envelope.to[0].name, '太郎');
assert.equal(found[0].bodyStructure.childNodes[1].dispositionParameters.filename, '名簿.csv');
assert.equal(found[0].internalDate.getTime(), date.getTime());
assert.equal(found[0].size, message(1).length);
assert.ok(found[0].flags.has('$Label') && found[0].emailId && found[0].modseq > 0n);

// Downloading: all of it, a part with its encoding taken off.
assert.deepEqual(await text((await one.download('2')).content), message(2));
const part = await one.download('2', '1');
assert.equal((await text(part.content)).toString(), 'お便り2');
const attached = await one.download('2', '2');
assert.equal(attached.meta.filename, '名簿.csv');
assert.equal((await one.fetchOne('2', {source: true})).source.length, message(2).length);

// Searching.
assert.deepEqual(await one.search({subject: '第2号'}, {uid: true}), [2]);
assert.deepEqual(await one.search({body: 'お便り3'}), [3]);
assert.deepEqual(await one.search({or: [{uid: '1'}, {header: {'message-id': '3@'}}]}), [1, 3]);

// What another session does arrives while this one idles: flags, then moves as VANISHED.
await two.mailboxOpen('仕事/令和8年');
const idling = one.idle();
const flagged = next(one, 'flags');
await two.messageFlagsAdd('2', ['\\Flagged']);
const told = await flagged;
assert.ok(told.uid === 2 && told.flags.has('\\Flagged') && told.modseq > 0n);
const vanished = next(one, 'expunge');
const moved = await two.messageMove('1', 'INBOX', {uid: true});
assert.deepEqual([...moved.uidMap.keys()], [1]);
assert.deepEqual((({uid, vanished}) => ({uid, vanished}))(await vanished),
                 {uid: 1, vanished: true});
const copied = await two.messageCopy('3', '仕事/令和8年', {uid: true});
assert.equal(copied.uidMap.get(3), 4);
// ImapFlow does not count what has vanished; the server does.
assert.deepEqual((await one.fetchAll('1:*', {uid: true})).map((m) => m.uid), [2, 3, 4]);

// Changes since a moment.
const since = one.mailbox.highestModseq;
await two.messageFlagsSet('4', ['\\Answered'], {uid: true});
const changed = await one.fetchAll('1:*', {flags: true}, {changedSince: since});
assert.ok(changed.some((m) => m.uid === 4 && m.flags.has('\\Answered')));
await two.messageDelete('2:4', {uid: true});
await one.noop();
assert.deepEqual(await one.search({all: true}), []);
await idling;

assert.equal((await one.status('INBOX', {messages: true, unseen: true})).messages, 1);
assert.ok((await one.getQuota('INBOX')) !== undefined);
await one.mailboxClose();
await one.mailboxDelete('仕事/令和8年');
await two.logout();
await one.logout();
console.log('all as it should be');
process.exit(0);
