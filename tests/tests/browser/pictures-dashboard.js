// Pictures of every page of the dashboard, on a phone and a desktop, light and dark. Arguments: URL, key, folder, e-mail, password.
'use strict';

const { PATIENCE_MS, SIZES, api, launch, totp } = require('./browser.js');

const [url, key, folder, email, password] = process.argv.slice(2);
const gateway = api(url, key);

// What there is to see.
async function live() {
  await gateway.webhook(`${url}/nowhere`);
  const shop = { successUrl: 'https://shop.example/paid', cancelUrl: 'https://shop.example/cancelled', metadata: { customer: 'Ada', cart: 7 } };
  const paid = [];
  for (let n = 0; n < 12; n += 1) paid.push(await gateway.order({ ...shop, orderReference: `INVOICE-${1000 + n}`, amount: `${5 * (n + 1)}.50` }));
  for (const order of paid.slice(0, 7)) await gateway.pay(order);
  await gateway.pay(paid[8], { kind: 'under' });
  await gateway.pay(paid[9], { kind: 'wrong_token', amount: '3' });
  await gateway.mine(3);
  for (const order of paid.slice(0, 7)) await gateway.orderWhen(order, (now) => now.status === 'completed');
  const back = await gateway.order({ ...shop, orderReference: 'TAKEN-BACK' });
  await gateway.pay(back);
  await gateway.mine(2);
  await gateway.orderWhen(back, (now) => now.status === 'completed');
  await gateway.reorg(3);
  await gateway.mine(2);
  await gateway.orderWhen(back, (now) => now.receivedAmount === '0.00');
  await gateway.order({ orderReference: 'TRON-1', chainId: 'tron-nile', amount: '250' });
  const link = await gateway.link({ title: 'Annual plan', description: 'One year of everything.', amount: '99', inventoryTotal: 20 });
  await gateway.link({ title: 'Summer sale', expiresAt: new Date((await gateway.now()) + 1000).toISOString() });
  await gateway.advance(2);
  await gateway.bind('customer-7');
  await gateway.payDeposit('customer-7', '42.00');
  await gateway.mine(3);
  return { paid: paid[0], short: paid[8], back, link };
}

async function main() {
  const browser = await launch();
  const views = [];
  for (const [size, viewport] of Object.entries(SIZES)) {
    for (const colorScheme of ['light', 'dark']) {
      const context = await browser.newContext({ viewport, colorScheme, locale: 'en', deviceScaleFactor: size === 'phone' ? 2 : 1 });
      context.setDefaultTimeout(PATIENCE_MS);
      views.push({ size, colorScheme, context });
    }
  }
  const shoot = async (name, at, act) => {
    for (const { size, colorScheme, context } of views) {
      const page = await context.newPage();
      await page.goto(`${url}/dashboard${at}`, { waitUntil: 'load' });
      if (act) await act(page);
      await page.screenshot({ path: `${folder}/dashboard-${name}-${size}-${colorScheme}.png`, fullPage: true });
      await page.close();
    }
    console.log(`dashboard-${name}`);
  };
  const fill = async (page, with_, who = email) => {
    await page.getByLabel('E-mail or name').fill(who);
    await page.getByLabel('Password').fill(with_);
    await page.getByRole('button', { name: 'Sign in' }).click();
  };
  await shoot('sign-in', '/sign-in');
  await shoot('sign-in-mistake', '/sign-in', async (page) => {
    await fill(page, 'wrong horse battery');
    await page.getByRole('alert').waitFor();
  });
  await empty(views, shoot, fill);
  const { paid, short, back, link } = await live();
  await shoot('start', '/sign-in', async (page) => {
    await fill(page, password);
    await page.locator('.stats').waitFor();
  });
  for (const [name, at] of [
    ['orders', '/orders'], ['order', `/orders/${paid.orderId}`], ['order-short', `/orders/${short.orderId}`], ['order-taken-back', `/orders/${back.orderId}`], ['transfers', '/transfers'],
    ['unmatched', '/unmatched'], ['links', '/links'], ['link', `/links/${link.id}`], ['preview', `/links/${link.id}/preview`], ['deposits', '/deposits'],
    ['references', '/references'], ['reference', '/references/customer-7'], ['addresses', '/addresses'], ['webhooks', '/webhooks'], ['events', '/events'],
    ['keys', '/keys'], ['chains', '/chains'], ['settings', '/settings'], ['setting', '/settings/orders.grace_period_minutes'], ['members', '/members'],
    ['account', '/account'], ['sandbox', '/sandbox'], ['not-found', '/nowhere'],
  ]) await shoot(name, at);
  const unfold = (page) => page.locator('details').evaluateAll((all) => all.forEach((details) => { details.open = true; }));
  await shoot('link-form', '/links', unfold);
  await shoot('webhook-form', '/webhooks', unfold);
  const first = (page) => page.locator('td a[href^="/dashboard/"]').first().click();
  await shoot('webhook', '/webhooks', first);
  await shoot('deposit-page', '/references/customer-7', (page) => page.locator('a[href^="/checkout/bnd_"]').first().click());
  await shoot('event', '/events', first);
  await shoot('import-mistake', '/addresses', async (page) => {
    await page.getByLabel('Or addresses').fill('0x123\n0x5AEDA56215b167893e80B4fE645BA6d5Bab767DE');
    await page.getByRole('button', { name: 'Import addresses' }).click();
    await page.getByRole('alert').waitFor();
  });
  await shoot('invited', '/members', async (page) => {
    await page.getByLabel('Role').selectOption({ label: 'Admin' });
    await page.getByLabel('For whom (optional)').fill('Grace (accounting)');
    await page.getByRole('button', { name: 'Make the link' }).click();
    await page.locator('#secret').waitFor();
  });
  const old = await gateway.link({ title: 'Old plan' });
  await shoot('link-refused', `/links/${old.id}`, async (page) => {
    await unfold(page);
    await page.getByLabel('Text of the button (optional)').fill('x'.repeat(61));
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByRole('alert').waitFor();
  });
  await shoot('no-orders-found', '/orders?search=nothing-like-it');
  const chinese = [
    ['start', ''], ['orders', '/orders'], ['order', `/orders/${short.orderId}`], ['links', '/links'], ['references', '/references'], ['addresses', '/addresses'],
    ['webhooks', '/webhooks'], ['keys', '/keys'], ['chains', '/chains'], ['settings', '/settings'], ['members', '/members'], ['account', '/account'], ['sandbox', '/sandbox'],
  ];
  for (const [name, at] of chinese) await shoot(`${name}-chinese`, `${at}?lang=zh`, name === 'sandbox' || name === 'links' ? unfold : undefined);
  await shoot('import-mistake-chinese', '/addresses', async (page) => {
    await page.locator('textarea').fill('0x123\n0x5AEDA56215b167893e80B4fE645BA6d5Bab767DE');
    await page.locator('form[action$="/import"] button').click();
    await page.getByRole('alert').waitFor();
  });
  await shoot('orders-english', '/orders?lang=en');
  await longTexts(shoot, paid);
  await twoStep(views, shoot);
  await browser.close();
}

// What somebody sees who has just come: an organization of their own, in which there is nothing yet.
async function empty(views, shoot, fill) {
  const newcomer = { username: 'newcomer', email: 'newcomer@shop.example', password: 'correct horse battery', shop_name: 'New shop' };
  const answer = await fetch(`${url}/api/auth/register`, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(newcomer) });
  if (!answer.ok) throw new Error(`register: ${answer.status} ${await answer.text()}`);
  await shoot('empty', '/sign-in', async (page) => {
    await fill(page, newcomer.password, newcomer.email);
    await page.locator('.stats').waitFor();
  });
  for (const name of ['orders', 'transfers', 'unmatched', 'links', 'deposits', 'references', 'addresses', 'webhooks', 'events', 'keys']) {
    await shoot(`${name}-empty`, `/${name}`);
  }
  for (const { context } of views) await context.clearCookies();
}

// Values as long as they may be.
async function longTexts(shoot, paid) {
  const long = 'INVOICE-'.padEnd(255, '0123456789');
  const word = 'Unbelievably-long-word-'.repeat(4);
  const order = await gateway.order({ orderReference: long, amount: '1234567890.123456', metadata: { [word]: word }, successUrl: `https://shop.example/${word.repeat(3)}` });
  const link = await gateway.link({ title: word, description: word.repeat(3), amount: '1234567890.123456', inventoryTotal: 1000000 });
  await gateway.bind(long.slice(0, 200));
  await shoot('order-long', `/orders/${order.orderId}`);
  await shoot('orders-long', '/orders');
  await shoot('links-long', '/links');
  await shoot('link-long', `/links/${link.id}`);
  await shoot('references-long', '/references');
}

// Two-step sign-in, of one person: turning it on signs them out elsewhere, so that one page is shown in all its looks.
async function twoStep(views, shoot) {
  await shoot('two-step', '/account/two-step');
  const page = await views[0].context.newPage();
  const take = async (name) => {
    for (const { size, colorScheme } of views) {
      await page.setViewportSize(SIZES[size]);
      await page.emulateMedia({ colorScheme });
      await page.screenshot({ path: `${folder}/dashboard-${name}-${size}-${colorScheme}.png`, fullPage: true });
    }
    console.log(`dashboard-${name}`);
  };
  await page.goto(`${url}/dashboard/account/two-step`);
  await page.getByLabel('Present password').fill(password);
  await page.getByRole('button', { name: 'Set up' }).click();
  await page.getByRole('img').waitFor();
  await take('two-step-begun');
  await page.goto(`${url}/dashboard/account/two-step?lang=zh`);
  await take('two-step-begun-chinese');
  await page.goto(`${url}/dashboard/account/two-step?lang=en`);
  await page.getByLabel('Code', { exact: true }).fill(totp(await page.locator('.facts code').textContent(), await gateway.now()));
  await page.getByRole('button', { name: 'Turn on' }).click();
  await page.locator('#secret').waitFor();
  await take('two-step-recovery');
  await page.getByRole('link', { name: 'I have kept them' }).click();
  await take('two-step-on');
  await page.getByRole('button', { name: 'Sign out' }).click();
  await page.getByLabel('E-mail or name').fill(email);
  await page.getByLabel('Password').fill(password);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByLabel('Code', { exact: true }).waitFor();
  await take('code');
  await page.getByLabel('Code', { exact: true }).fill('000000');
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByRole('alert').waitFor();
  await take('code-mistake');
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
