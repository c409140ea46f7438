// What a payer does in a browser, and what the browser has to say of it. stdin: {scenario, url, key, size}; stdout: what was seen, as JSON.
'use strict';

const { PATIENCE_MS, SIZES, api, axe, launch, overflows, run, watched } = require('./browser.js');

const heading = (page) => page.locator('h1').textContent();
const becomes = (page, text) => page.locator('h1', { hasText: text }).waitFor();

// When a page was first seen, from its being asked for, in milliseconds; and what a browser waits for before it shows anything.
const painted = (page) =>
  page.evaluate(async () => {
    const first = () => performance.getEntriesByName('first-contentful-paint')[0];
    if (!first()) await new Promise((go) => new PerformanceObserver((_, observer) => first() && (observer.disconnect(), go())).observe({ type: 'paint', buffered: true }));
    const asked = performance.getEntriesByType('resource');
    const blocking = asked.filter((one) => one.renderBlockingStatus === 'blocking').map((one) => new URL(one.name).pathname);
    const [page] = performance.getEntriesByType('navigation');
    return { ms: Math.round(first().startTime), answeredMs: Math.round(page.responseEnd), blocking, asked: asked.map((one) => new URL(one.name).pathname) };
  });

// How long a page stands before the next is asked for: what a browser does when one is done is not done in the next one's time.
const STANDS_MS = 300;
const TIMES = 7;
const median = (numbers) => [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length / 2)];

// How soon an order's page is seen: by a browser that has just started, and as a payer comes, in one that runs: from another page of this server, and from
// another site (medians). A bare line of text, opened in the same ways, is what this machine takes at the least. Nothing else is done meanwhile, and each
// has a browser of its own.
async function paint(browser, { url, key }) {
  await browser.close();
  const order = await api(url, key).order();
  const elsewhere = url.replace('127.0.0.1', 'localhost');
  const seen = {};
  for (const [name, at] of [['line', `${url}/health`], ['page', `${url}/checkout/${order.orderId}`]]) {
    const fresh = await launch();
    const page = await fresh.newPage({ locale: 'en', viewport: SIZES.phone });
    page.setDefaultTimeout(PATIENCE_MS);
    const open = async (to) => {
      await page.goto(to);
      return painted(page);
    };
    const from = async (site) => {
      const paints = [];
      for (let n = 0; n < TIMES; n += 1) {
        await open(`${site}/health?${n}`);
        await page.waitForTimeout(STANDS_MS);
        paints.push(await open(at));
      }
      return { ms: median(paints.map((one) => one.ms)), answeredMs: median(paints.map((one) => one.answeredMs)) };
    };
    const first = await open(at);
    seen[name] = { ...first, same: await from(url), cross: await from(elsewhere) };
    await fresh.close();
  }
  return seen;
}

// An order, from the first look to the way back, without the page being loaded again.
async function live(browser, { url, key, size }) {
  const gateway = api(url, key);
  const { context, page, complaints } = await watched(browser, url, { viewport: SIZES[size], permissions: ['clipboard-read', 'clipboard-write'] });
  const order = await gateway.order({ successUrl: `${url}/health` });
  await page.goto(`${url}/checkout/${order.orderId}`);
  await page.evaluate(() => { window.sameDocument = true; });
  const seen = { headings: [await heading(page)], overflows: [await overflows(page)], axe: await axe(page) };
  const copy = page.locator('[data-copy]');
  await copy.nth(1).click();
  seen.copied = { text: await page.evaluate(() => navigator.clipboard.readText()), label: await copy.nth(1).textContent(), address: order.address };
  // The choice of the code stays while the page is changed around it.
  await page.getByText('Wallet link', { exact: true }).click();
  await gateway.pay(order, { kind: 'under' });
  await becomes(page, 'Part of your payment has arrived');
  seen.headings.push(await heading(page));
  await gateway.mine(2);
  await gateway.orderWhen(order, (now) => now.receivedAmount === '6.25');
  await gateway.pay(order);
  await becomes(page, 'Payment seen');
  await page.getByText('1 of 3 confirmations').waitFor();
  seen.headings.push(await heading(page));
  seen.axe.push(...(await axe(page)));
  await gateway.mine(1);
  await page.getByText('2 of 3 confirmations').waitFor();
  await gateway.mine(1);
  await becomes(page, 'Payment complete');
  seen.headings.push(await heading(page));
  seen.overflows.push(await overflows(page));
  seen.axe.push(...(await axe(page)));
  seen.sameDocument = await page.evaluate(() => window.sameDocument === true);
  seen.title = await page.title();
  seen.complaints = [...complaints];
  await page.waitForURL(/health/);
  seen.backAt = page.url();
  await context.close();
  return seen;
}

// A payment that is seen between the page and its stream: the page was rendered before it, and the stream's first news come after it.
async function between(browser, { url, key }) {
  const gateway = api(url, key);
  const { context, page, complaints } = await watched(browser, url, { viewport: SIZES.phone });
  const order = await gateway.order();
  await page.route('**/stream', async (route) => {
    await gateway.pay(order);
    await gateway.orderWhen(order, (now) => now.txHash);
    await route.continue();
  });
  await page.goto(`${url}/checkout/${order.orderId}`);
  const seen = { rendered: await heading(page) };
  await becomes(page, 'Payment seen');
  seen.complaints = complaints;
  await context.close();
  return seen;
}

// A link is bought and its order paid, with no script at all.
async function plain(browser, { url, key }) {
  const gateway = api(url, key);
  const { context, page, complaints } = await watched(browser, url, { viewport: SIZES.phone, javaScriptEnabled: false });
  const link = await gateway.link({ inventoryTotal: 1 });
  await page.goto(`${url}/checkout/${link.slug}`);
  const seen = { headings: [await heading(page)] };
  await page.getByLabel('E-mail (optional)').fill('ada@example.org');
  await page.getByRole('button', { name: 'Continue' }).click();
  seen.headings.push(await heading(page));
  seen.shown = await page.locator('.address').isVisible();
  seen.dead = await page.locator('button:visible').count();
  await page.getByText('Wallet link', { exact: true }).click();
  seen.request = await page.getByText('Open in a wallet app').isVisible();
  const order = { orderId: new URL(page.url()).pathname.split('/').pop() };
  await gateway.pay(order);
  await gateway.orderWhen(order, (now) => now.txHash);
  await page.getByRole('link', { name: 'Look now' }).click();
  seen.headings.push(await heading(page));
  await gateway.mine(2);
  await gateway.orderWhen(order, (now) => now.status === 'completed');
  await page.getByRole('link', { name: 'Look now' }).click();
  seen.headings.push(await heading(page));
  await page.goto(`${url}/checkout/${link.slug}`);
  seen.soldOut = await page.locator('h2').textContent();
  seen.complaints = complaints;
  await context.close();
  return seen;
}

// A wallet that writes down what it is asked, on another chain at first; `refuses`: what its owner declines.
function stub({ refuses }) {
  const asked = [];
  let chain = '0x1';
  window.asked = asked;
  window.ethereum = {
    request: async ({ method, params }) => {
      asked.push({ method, params });
      if (refuses.includes(method)) throw Object.assign(new Error('declined'), { code: 4001 });
      if (method === 'eth_requestAccounts') return ['0x00000000000000000000000000000000000000aa'];
      if (method === 'eth_chainId') return chain;
      if (method === 'wallet_switchEthereumChain') chain = params[0].chainId;
      if (method === 'eth_sendTransaction') return `0x${'12'.repeat(32)}`;
      return null;
    },
  };
}

// The button is used with a wallet whose owner declines what each way says. What the page says then, what the wallet was asked for, and whether the
// button can be used again: at once, and after the one way that pays when the page is loaded again, and when `more` has come from elsewhere.
async function asked(browser, { url, order, size, wallet, ways, more }) {
  const seen = { address: order.address };
  for (const [name, refuses] of Object.entries(ways)) {
    const { context, page, complaints } = await watched(browser, url, { viewport: SIZES[size] });
    await page.addInitScript(wallet, { refuses });
    await page.goto(`${url}/checkout/${order.orderId}`);
    const button = page.getByRole('button', { name: 'Pay with browser wallet' });
    await button.click();
    const says = page.locator('.wallet [role=status]');
    await says.filter({ hasNotText: 'Confirm in your wallet' }).waitFor();
    seen[name] = { says: await says.textContent(), asked: await page.evaluate(() => window.asked), complaints, again: await button.isEnabled() };
    if (name === 'pays') {
      await page.reload();
      seen.afterReload = await button.isEnabled();
      if (more) {
        await more();
        await becomes(page, 'Part of your payment has arrived');
        seen.afterMore = await button.isEnabled();
      }
    }
    await context.close();
  }
  return seen;
}

async function wallet(browser, { url, key }) {
  const gateway = api(url, key);
  const order = await gateway.order({ amount: '12.50', chainId: 'bsc-testnet' });
  const ways = { declined: ['eth_sendTransaction'], stays: ['wallet_switchEthereumChain'], pays: [] };
  const more = () => gateway.pay(order, { kind: 'under' });
  const seen = await asked(browser, { url, order, size: 'desktop', wallet: stub, ways, more });
  const { context, page } = await watched(browser, url, { viewport: SIZES.desktop });
  await page.goto(`${url}/checkout/${order.orderId}`);
  seen.withoutWallet = await page.locator('[data-wallet]').isVisible();
  await context.close();
  return seen;
}

// The same for Tron: a wallet that writes down what its library is asked, and takes it for built, signed and sent.
function tronStub({ refuses }) {
  const asked = [];
  const hosts = { '0x2b6653dc': '00000000000000001ebf88508a03865c71d452e25f4d51194196a1d22b6653dc', '0xcd8690dc': '0000000000000000d698d4192c56cb6be724a558448e2684802de4d6cd8690dc' };
  let chain = '0x2b6653dc';
  const does = (method, params, answer) => {
    asked.push({ method, params });
    // As TronLink says it.
    if (refuses.includes(method)) throw 'Confirmation declined by user';
    return answer;
  };
  window.asked = asked;
  window.tron = {
    request: async ({ method, params }) => {
      if (method === 'wallet_switchEthereumChain' && !refuses.includes(method)) chain = params[0].chainId;
      return does(method, params, method === 'eth_requestAccounts' ? ['TJRabPrwbZy45sbavfcjinPJC18kjpRTv8'] : null);
    },
    tronWeb: {
      transactionBuilder: {
        triggerSmartContract: async (...params) => does('triggerSmartContract', params, { transaction: { txID: 'built' } }),
      },
      trx: {
        getBlockByNumber: async (number) => does('getBlockByNumber', [number], { blockID: hosts[chain] }),
        sign: async (transaction) => does('sign', [transaction], { ...transaction, signature: ['signed'] }),
        sendRawTransaction: async (transaction) => does('sendRawTransaction', [transaction], { result: !refuses.includes('node') }),
      },
    },
  };
}

async function tron(browser, { url, key }) {
  const gateway = api(url, key);
  const order = await gateway.order({ amount: '12.50', chainId: 'tron-nile' });
  const ways = { declined: ['sign'], stays: ['wallet_switchEthereumChain'], refused: ['node'], pays: [] };
  const seen = await asked(browser, { url, order, size: 'phone', wallet: tronStub, ways });
  // A wallet of another family is no way to pay it, and Solana's wallets are given the URI.
  const { context, page } = await watched(browser, url, { viewport: SIZES.desktop });
  await page.addInitScript(stub, { refuses: [] });
  await page.goto(`${url}/checkout/${order.orderId}`);
  seen.withOther = await page.locator('[data-wallet]').isVisible();
  const solana = await gateway.order({ currency: 'USDC', chainId: 'solana-devnet' });
  await page.goto(`${url}/checkout/${solana.orderId}`);
  await page.getByText('Wallet link', { exact: true }).click();
  seen.solana = await page.getByRole('link', { name: 'Open in a wallet app' }).getAttribute('href');
  seen.solanaAddress = solana.address;
  await context.close();
  return seen;
}

// With the keyboard alone; and what axe-core says of the other pages.
async function keyboard(browser, { url, key }) {
  const gateway = api(url, key);
  const { context, page, complaints } = await watched(browser, url, { viewport: SIZES.phone });
  const link = await gateway.link({ amount: '0', currencies: [{ currency: 'USDT', chain_options: ['ethereum-sepolia', 'tron-nile', 'bsc-testnet'] }] });
  await page.goto(`${url}/checkout/${link.slug}`);
  const seen = { axe: await axe(page) };
  await page.keyboard.press('Tab');
  await page.keyboard.type('3.25');
  await page.keyboard.press('Tab');
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('Enter');
  await becomes(page, 'Waiting for your payment');
  seen.network = await page.locator('.network').textContent();
  seen.total = await page.locator('.total').textContent();
  seen.axe.push(...(await axe(page)));
  await page.goto(`${url}/checkout/nowhere?lang=zh`);
  seen.language = await page.evaluate(() => document.documentElement.lang);
  seen.axe.push(...(await axe(page)));
  // A page that is not there is an error to the browser too.
  seen.complaints = complaints.filter((complaint) => !complaint.includes('404'));
  await context.close();
  return seen;
}

run({ live, between, paint, plain, wallet, tron, keyboard });
