// A headless browser and the sandbox's API, for whoever drives pages: the tests and scripts/screenshots. Paths come from scripts/setup.
'use strict';

const crypto = require('crypto');
const fs = require('fs');
const path = require('path');

const packages = process.env.PAYIN_TEST_PLAYWRIGHT;
const { chromium } = require(path.join(packages, 'playwright-core'));
const axeSource = fs.readFileSync(path.join(packages, 'axe-core', 'axe.min.js'), 'utf8');

// Without what Chromium would otherwise ask the world by itself.
const FLAGS = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync', '--disable-dev-shm-usage'];

const SIZES = { phone: { width: 360, height: 740 }, desktop: { width: 1280, height: 900 } };

const launch = () => chromium.launch({ executablePath: process.env.PAYIN_TEST_CHROMIUM, args: FLAGS });

// What a merchant asks of the gateway, and a player of the sandbox.
function api(url, key) {
  const ask = async (method, at, body) => {
    const answer = await fetch(`${url}/api/v1${at}`, { method, headers: { 'X-API-Key': key, 'Content-Type': 'application/json' }, body: body && JSON.stringify(body) });
    const json = await answer.json();
    if (!answer.ok) throw new Error(`${method} ${at}: ${answer.status} ${JSON.stringify(json)}`);
    return json;
  };
  const until = async (at, is) => {
    for (;;) {
      const json = await ask('GET', at);
      if (is(json)) return json;
      await new Promise((go) => setTimeout(go, 20));
    }
  };
  return {
    order: (change) => ask('POST', '/orders', { orderReference: `O-${Math.random()}`, amount: '12.50', currency: 'USDT', chainId: 'ethereum-sepolia', ...change }),
    link: async (change) => {
      const link = await ask('POST', '/payment-links', { title: 'Coffee', amount: '5', currencies: [{ currency: 'USDT', chain_options: ['ethereum-sepolia'] }], ...change });
      return ask('POST', `/payment-links/${link.id}/publish`);
    },
    webhook: (to) => ask('POST', '/webhooks/endpoints', { url: to, events: ['*'] }),
    bind: (depositReference) => ask('POST', '/deposits/references', { depositReference, currency: 'USDT', chainId: 'ethereum-sepolia' }),
    payDeposit: (depositReference, amount) => ask('POST', '/sandbox/pay-deposit', { depositReference, amount }),
    unpublish: (link) => ask('POST', `/payment-links/${link.id}/unpublish`),
    pay: (order, change) => ask('POST', '/sandbox/pay', { orderId: order.orderId, ...change }),
    mine: (blocks, chainId = 'ethereum-sepolia') => ask('POST', '/sandbox/mine', { blocks, chainId }),
    reorg: (depth) => ask('POST', '/sandbox/reorg', { chainId: 'ethereum-sepolia', depth, drop: true }),
    now: async () => Date.parse((await ask('GET', '/sandbox/clock')).now),
    advance: (seconds) => ask('POST', '/sandbox/clock/advance', { seconds }),
    orderWhen: (order, is) => until(`/orders/${order.orderId}`, is),
  };
}

// The code that an authenticator app shows at a time (RFC 6238), from the key that people type into it.
function totp(key, ms) {
  const bits = [...key.replace(/ /g, '')].map((char) => 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.indexOf(char).toString(2).padStart(5, '0')).join('');
  const secret = Buffer.from(bits.match(/.{8}/g).map((byte) => parseInt(byte, 2)));
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(Math.floor(ms / 30000)));
  const mac = crypto.createHmac('sha1', secret).update(counter).digest();
  return String((mac.readUInt32BE(mac[19] & 15) & 0x7fffffff) % 1000000).padStart(6, '0');
}

// What is grave of what axe-core finds: rule, element, what to do.
async function axe(page) {
  if (!(await page.evaluate(() => 'axe' in window))) await page.evaluate(axeSource);
  const found = await page.evaluate(() => window.axe.run(document, { resultTypes: ['violations'] }));
  const grave = found.violations.filter((violation) => ['serious', 'critical'].includes(violation.impact));
  return grave.flatMap((violation) => violation.nodes.map((node) => `${violation.id}: ${node.html}: ${node.failureSummary}`));
}

// A browser beside a compiler is slow.
const PATIENCE_MS = 90000;

// Everything that a page should not do is written down.
async function watched(browser, url, options) {
  const context = await browser.newContext({ locale: 'en', ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(PATIENCE_MS);
  const complaints = [];
  page.on('console', (message) => ['error', 'warning'].includes(message.type()) && complaints.push(message.text()));
  page.on('pageerror', (error) => complaints.push(String(error)));
  page.on('request', (request) => {
    const asked = request.url();
    if (!asked.startsWith(url) && !asked.startsWith('data:')) complaints.push(`asks ${asked}`);
  });
  return { context, page, complaints };
}

const overflows = (page) => page.evaluate(() => document.documentElement.scrollWidth > document.documentElement.clientWidth);

// Runs the scenario that stdin names ({scenario, url, …}); what it has seen goes to stdout, as JSON.
async function run(scenarios) {
  let told = '';
  for await (const chunk of process.stdin) told += chunk;
  const asked = JSON.parse(told);
  const browser = await launch();
  try {
    console.log(JSON.stringify(await scenarios[asked.scenario](browser, asked)));
  } catch (error) {
    console.error(error);
    process.exitCode = 1;
  } finally {
    await browser.close();
  }
}

module.exports = { PATIENCE_MS, SIZES, api, axe, launch, overflows, run, totp, watched };
