// Verifies the DKIM signatures of messages with mailauth.  Standard input: {"keys": {name: record},
// "messages": [base64, …]}.  Standard output: for each message {selector: result}.
import {readFileSync} from 'node:fs';
import {dkimVerify} from 'mailauth/lib/dkim/verify.js';

const {keys, messages} = JSON.parse(readFileSync(0));
const resolver = async (name) => {
  if (name in keys) return [[keys[name]]];
  throw Object.assign(new Error(`no such record: ${name}`), {code: 'ENOTFOUND'});
};

const answers = [];
for (const message of messages) {
  const {results} = await dkimVerify(Buffer.from(message, 'base64'), {resolver});
  answers.push(Object.fromEntries(
      results.map(({selector, status}) => [selector, status.result])));
}
console.log(JSON.stringify(answers));
