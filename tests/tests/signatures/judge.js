// npm's `standardwebhooks` and `stripe`: what they say of our signatures, and signatures of theirs. JSON in, JSON out.
const { createRequire } = require("node:module");
const load = createRequire(process.env.PAYIN_TEST_WEBHOOK_VERIFIERS_NPM + "/");
const { Webhook } = load("standardwebhooks");
const Stripe = load("stripe");
const stripe = new (Stripe.default ?? Stripe)("sk_test_none");

const verify = {
  standard: ({ secret, headers, body }) => new Webhook(secret).verify(body, headers, { jsonParse: false }),
  stripe: ({ secret, header, body }) => stripe.webhooks.signature.verifyHeader(body, header, secret, 300),
};
const sign = {
  standard: ({ secret, id, time, body }) => new Webhook(secret).sign(id, new Date(time * 1000), body),
  stripe: ({ secret, time, body }) => stripe.webhooks.generateTestHeaderString({ payload: body, secret, timestamp: time }),
};

const verdict = (asked) => {
  try {
    verify[asked.as](asked);
    return { accepts: true };
  } catch (error) {
    return { accepts: false, why: `${error.name}: ${error.message}` };
  }
};

const { verified, signed } = JSON.parse(require("node:fs").readFileSync(0, "utf8"));
const answer = { verified: verified.map(verdict), signed: signed.map((asked) => sign[asked.as](asked)) };
process.stdout.write(JSON.stringify(answer));
