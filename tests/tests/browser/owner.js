// A merchant's people do in Chromium what the dashboard is for. stdin: {scenario, url, key, email, password, size}; stdout: what was seen, as
// JSON.
'use strict';

const { SIZES, api, axe, overflows, run, totp, watched } = require('./browser.js');

// A phone's, a tablet's, and desktops' with the ways beside the page.
const WIDTHS = [360, 800, 1024, 1280];

const heading = (page) => page.locator('h1').textContent();
const says = (page) => page.locator('.notice').first().textContent();

async function signIn(page, { url, email, password }) {
  await page.goto(`${url}/dashboard`);
  await page.getByLabel('E-mail or name').fill(email);
  await page.getByLabel('Password').fill(password);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.locator('h1', { hasText: 'Overview' }).waitFor();
}

const go = (page, name) => page.getByRole('navigation', { name: 'Dashboard' }).getByRole('link', { name, exact: true }).click();

// Addresses with one bad line and without it, a key, a link that is published, an order that is found, an event that is sent again.
async function work(page, { url, key }, seen) {
  const gateway = api(url, key);
  await go(page, 'Addresses');
  const file = (lines) => ({ name: 'addresses.csv', mimeType: 'text/csv', buffer: Buffer.from(['address', ...lines].join('\n')) });
  const good = '0x5AEDA56215b167893e80B4fE645BA6d5Bab767DE';
  await page.getByLabel('A file (CSV or text)').setInputFiles(file([good, '0x123']));
  await page.getByRole('button', { name: 'Import addresses' }).click();
  await page.locator('.notice li').first().waitFor();
  seen.badImport = await page.locator('.notice li').allTextContents();
  await page.getByLabel('A file (CSV or text)').setInputFiles(file([good]));
  await page.getByRole('button', { name: 'Import addresses' }).click();
  await page.getByText('1 addresses were imported').waitFor();
  if (seen.drops) {
    // Dropped anywhere on the form.
    const dropped = await page.evaluateHandle(() => {
      const data = new DataTransfer();
      data.items.add(new File([`address\n0x${'ab'.repeat(20)}\n0x123\n`], 'dropped.csv', { type: 'text/csv' }));
      return data;
    });
    const form = page.locator('form[action$="/import"]');
    await form.dispatchEvent('dragover', { dataTransfer: dropped });
    seen.over = await form.evaluate((element) => element.classList.contains('dragged-over'));
    await form.dispatchEvent('drop', { dataTransfer: dropped });
    seen.droppedFile = await page.getByLabel('A file (CSV or text)').evaluate((input) => input.files[0].name);
    await page.getByRole('button', { name: 'Import addresses' }).click();
    await page.locator('.notice li').first().waitFor();
    seen.droppedImport = await page.locator('.notice li').allTextContents();
  }

  await go(page, 'API keys');
  await page.locator('summary', { hasText: 'Make a key' }).click();
  await page.getByLabel('Name').fill('Till');
  await page.getByRole('button', { name: 'Make a key' }).click();
  const secret = await page.locator('#secret').textContent();
  seen.keyWorks = (await fetch(`${url}/api/v1/me`, { headers: { 'X-API-Key': secret } })).status;

  await go(page, 'Payment links');
  await page.locator('summary', { hasText: 'Make a payment link' }).click();
  await page.locator('details[open]').getByLabel('Title').fill('Coffee');
  await page.locator('details[open]').getByLabel('Amount', { exact: true }).fill('5.00');
  await page.getByLabel('USDT · Ethereum Sepolia').check();
  await page.getByRole('button', { name: 'Make a payment link' }).click();
  await page.getByRole('button', { name: 'Publish', exact: true }).click();
  await page.getByText('Published', { exact: true }).waitFor();
  seen.link = await heading(page);
  seen.public = (await fetch(url + (await page.locator('a[href^="/checkout/"]').first().getAttribute('href')))).status;

  const order = await gateway.order({ orderReference: 'INVOICE-77' });
  const other = await gateway.order({ orderReference: 'OTHER-1' });
  await gateway.pay(other, { kind: 'wrong_token', amount: '3' });
  await gateway.pay(order);
  await gateway.mine(3);
  await gateway.orderWhen(order, (now) => now.status === 'completed');
  await go(page, 'Orders');
  await page.getByLabel('Reference or order ID').fill('invoice-77');
  await page.getByRole('button', { name: 'Search' }).click();
  await page.getByText('Page 1 of 1, 1 in all').waitFor();
  seen.found = await page.getByRole('cell').getByRole('link').allTextContents();
  await page.getByRole('link', { name: 'INVOICE-77' }).click();
  seen.order = await heading(page);
  seen.why = await says(page);
  await page.getByRole('link', { name: 'order.completed' }).click();
  await page.getByRole('button', { name: 'Send again' }).click();
  await page.getByText('It is queued').waitFor();
  seen.event = await heading(page);
}

// Two-step sign-in: set up with the key that the page shows, asked for at the next sign-in, and with a recovery code instead.
async function twoStep(browser, asked) {
  const { context, page, complaints } = await watched(browser, asked.url, { viewport: SIZES[asked.size] });
  const gateway = api(asked.url, asked.key);
  const seen = { axe: [], overflows: [] };
  const look = async () => {
    seen.axe.push(...(await axe(page)));
    if (await overflows(page)) seen.overflows.push(page.url());
  };
  await signIn(page, asked);
  await page.locator('.who a').click();
  await page.getByRole('link', { name: 'Set up two-step sign-in' }).click();
  await look();
  await page.getByLabel('Present password').fill(asked.password);
  await page.getByRole('button', { name: 'Set up' }).click();
  await page.getByRole('img', { name: 'QR code of the key' }).waitFor();
  await look();
  const key = await page.locator('.facts code').textContent();
  await page.getByLabel('Code', { exact: true }).fill(totp(key, await gateway.now()));
  await page.getByRole('button', { name: 'Turn on' }).click();
  await page.locator('#secret').waitFor();
  await look();
  const recovery = (await page.locator('#secret').textContent()).split('\n');
  seen.recovery = recovery.length;
  await page.getByRole('link', { name: 'I have kept them' }).click();
  seen.status = await page.locator('.facts .badge').textContent();
  await look();
  const again = async (code) => {
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.goto(`${asked.url}/dashboard/orders`);
    await page.getByLabel('E-mail or name').fill(asked.email);
    await page.getByLabel('Password').fill(asked.password);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.locator('h1', { hasText: 'Enter your code' }).waitFor();
    await page.getByLabel('Code', { exact: true }).fill('000000');
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByRole('alert').waitFor();
    await look();
    await page.getByLabel('Code', { exact: true }).fill(code);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.locator('h1', { hasText: 'Orders' }).waitFor();
  };
  await gateway.advance(30);
  await again(totp(key, await gateway.now()));
  await again(recovery[0]);
  seen.complaints = complaints.filter((complaint) => !/status of 401/.test(complaint));
  await context.close();
  return seen;
}

// At which widths of the window a page is wider than that: a table is turned in its own box.
async function tooWide(page) {
  const size = page.viewportSize();
  const found = [];
  for (const width of WIDTHS) {
    await page.setViewportSize({ width, height: size.height });
    if (await overflows(page)) found.push(`${page.url()} at ${width}`);
  }
  await page.setViewportSize(size);
  return found;
}

async function owner(browser, asked) {
  const { context, page, complaints } = await watched(browser, asked.url, { viewport: SIZES[asked.size] });
  const seen = { axe: [], overflows: [], drops: true };
  await page.goto(`${asked.url}/dashboard`);
  seen.axe.push(...(await axe(page)));
  await signIn(page, asked);
  const gateway = api(asked.url, asked.key);
  await gateway.webhook(`${asked.url}/health`);
  await work(page, asked, seen);
  // Every page that the way around leads to, and one of each kind below it.
  const ways = await page.locator('.ways a').evaluateAll((links) => links.map((link) => link.href));
  const below = [];
  for (const way of ways) {
    await page.goto(way);
    seen.axe.push(...(await axe(page)));
    seen.overflows.push(...(await tooWide(page)));
    const first = page.locator('td a[href^="/dashboard/"]').first();
    if (await first.count()) below.push(await first.evaluate((link) => link.href));
  }
  for (const way of [...below, `${asked.url}/dashboard/account`, `${asked.url}/dashboard/nowhere`]) {
    await page.goto(way);
    for (const folded of await page.locator('details').all()) await folded.evaluate((details) => { details.open = true; });
    seen.axe.push(...(await axe(page)));
    seen.overflows.push(...(await tooWide(page)));
  }
  seen.ways = ways.length;
  seen.below = below.length;
  // A page that refuses is an error to the browser too.
  seen.complaints = complaints.filter((complaint) => !/status of 40[04]/.test(complaint));
  await context.close();
  return seen;
}

// The same without a script.
async function plain(browser, asked) {
  const { context, page, complaints } = await watched(browser, asked.url, { viewport: SIZES[asked.size], javaScriptEnabled: false });
  const seen = {};
  await signIn(page, asked);
  await api(asked.url, asked.key).webhook(`${asked.url}/health`);
  await work(page, asked, seen);
  seen.dead = await page.locator('[data-copy]:visible').count();
  await page.getByRole('button', { name: 'Sign out' }).click();
  seen.out = await heading(page);
  seen.complaints = complaints.filter((complaint) => !/status of 40[04]/.test(complaint));
  await context.close();
  return seen;
}

// A viewer sees, and is offered nothing; a form that another page sends in an owner's name is refused by the browser or the server.
async function viewer(browser, asked) {
  const { context, page, complaints } = await watched(browser, asked.url, { viewport: SIZES.desktop });
  const gateway = api(asked.url, asked.key);
  await gateway.order({ orderReference: 'SEEN-1' });
  await gateway.link({});
  await signIn(page, asked);
  const seen = { ways: await page.locator('.ways a').allTextContents(), buttons: {} };
  for (const name of ['Orders', 'Payment links', 'Deposit references', 'Chains']) {
    await go(page, name);
    seen.buttons[name] = await page.locator('main button').allTextContents();
  }
  seen.keys = (await page.goto(`${asked.url}/dashboard/keys`)).status();
  // By hand, with the token of a page of theirs.
  await page.goto(`${asked.url}/dashboard`);
  seen.byHand = await page.evaluate(async () => {
    const token = document.querySelector('input[name=token]').value;
    const body = new URLSearchParams({ token, name: 'x', role: 'viewer' });
    return (await fetch('/dashboard/keys', { method: 'POST', body })).status;
  });
  seen.complaints = complaints.filter((complaint) => !complaint.includes('status of 403'));
  await context.close();
  return seen;
}

run({ owner, plain, twoStep, viewer });
