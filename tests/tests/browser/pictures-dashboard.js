// Pictures of every page of the dashboard, on a phone and a desktop, light and dark. Arguments: URL, key, folder, e-mail, password.
'use strict';

const { SIZES, api, launch } = require('./browser.js');

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
  await gateway.order({ orderReference: 'TRON-1', chainId: 'tron-nile', amount: '250' });
  const link = await gateway.link({ title: 'Annual plan', description: 'One year of everything.', amount: '99', inventoryTotal: 20 });
  await gateway.bind('customer-7');
  await gateway.payDeposit('customer-7', '42.00');
  await gateway.mine(3);
  return { paid: paid[0], short: paid[8], link };
}

async function main() {
  const browser = await launch();
  const views = [];
  for (const [size, viewport] of Object.entries(SIZES)) {
    for (const colorScheme of ['light', 'dark']) {
      const context = await browser.newContext({ viewport, colorScheme, locale: 'en', deviceScaleFactor: size === 'phone' ? 2 : 1 });
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
  const fill = async (page, with_) => {
    await page.getByLabel('E-mail or name').fill(email);
    await page.getByLabel('Password').fill(with_);
    await page.getByRole('button', { name: 'Sign in' }).click();
  };
  await shoot('sign-in', '/sign-in');
  await shoot('sign-in-mistake', '/sign-in', async (page) => {
    await fill(page, 'wrong horse battery');
    await page.getByRole('alert').waitFor();
  });
  await shoot('empty', '/sign-in', async (page) => {
    await fill(page, password);
    await page.locator('.stats').waitFor();
  });
  await shoot('orders-empty', '/orders');
  const { paid, short, link } = await live();
  for (const [name, at] of [
    ['start', ''], ['orders', '/orders'], ['order', `/orders/${paid.orderId}`], ['order-short', `/orders/${short.orderId}`], ['transfers', '/transfers'],
    ['unmatched', '/unmatched'], ['links', '/links'], ['link', `/links/${link.id}`], ['preview', `/links/${link.id}/preview`], ['deposits', '/deposits'],
    ['references', '/references'], ['reference', '/references/customer-7'], ['addresses', '/addresses'], ['webhooks', '/webhooks'], ['events', '/events'],
    ['keys', '/keys'], ['chains', '/chains'], ['settings', '/settings'], ['setting', '/settings/orders.grace_period_minutes'], ['members', '/members'],
    ['account', '/account'], ['sandbox', '/sandbox'], ['not-found', '/nowhere'], ['orders-chinese', '/orders?lang=zh'], ['orders-english', '/orders?lang=en'],
  ]) await shoot(name, at);
  const unfold = (page) => page.locator('details').evaluateAll((all) => all.forEach((details) => { details.open = true; }));
  await shoot('link-form', '/links', unfold);
  await shoot('webhook-form', '/webhooks', unfold);
  const first = (page) => page.locator('td a[href^="/dashboard/"]').first().click();
  await shoot('webhook', '/webhooks', first);
  await shoot('event', '/events', first);
  await shoot('import-mistake', '/addresses', async (page) => {
    await page.getByLabel('Or addresses').fill('0x123\n0x5AEDA56215b167893e80B4fE645BA6d5Bab767DE');
    await page.getByRole('button', { name: 'Import addresses' }).click();
    await page.getByRole('alert').waitFor();
  });
  await browser.close();
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
