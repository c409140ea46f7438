// A headless browser and the sandbox's API, for whoever drives pages: the tests and scripts/screenshots. Paths come from scripts/setup.
'use strict';

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
    unpublish: (link) => ask('POST', `/payment-links/${link.id}/unpublish`),
    pay: (order, change) => ask('POST', '/sandbox/pay', { orderId: order.orderId, ...change }),
    mine: (blocks, chainId = 'ethereum-sepolia') => ask('POST', '/sandbox/mine', { blocks, chainId }),
    reorg: (depth) => ask('POST', '/sandbox/reorg', { chainId: 'ethereum-sepolia', depth, drop: true }),
    advance: (seconds) => ask('POST', '/sandbox/clock/advance', { seconds }),
    orderWhen: (order, is) => until(`/orders/${order.orderId}`, is),
  };
}

// What is grave of what axe-core finds: rule, element, what to do.
async function axe(page) {
  if (!(await page.evaluate(() => 'axe' in window))) await page.evaluate(axeSource);
  const found = await page.evaluate(() => window.axe.run(document, { resultTypes: ['violations'] }));
  const grave = found.violations.filter((violation) => ['serious', 'critical'].includes(violation.impact));
  return grave.flatMap((violation) => violation.nodes.map((node) => `${violation.id}: ${node.html}: ${node.failureSummary}`));
}

module.exports = { SIZES, api, axe, launch };
