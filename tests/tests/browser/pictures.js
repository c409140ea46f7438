// Pictures of every page that payers see, in every state, on a phone and a desktop, light and dark. Arguments: URL, key, folder.
'use strict';

const { PATIENCE_MS, SIZES, api, launch } = require('./browser.js');

const [url, key, folder] = process.argv.slice(2);
const gateway = api(url, key);

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
  // One after the other: the pages shall have the machine for themselves. `act`: what is done on the page before.
  const shoot = async (name, at, act) => {
    for (const { size, colorScheme, context } of views) {
      const page = await context.newPage();
      await page.goto(`${url}/checkout/${at}`, { waitUntil: 'load' });
      if (act) await act(page);
      await page.screenshot({ path: `${folder}/${name}-${size}-${colorScheme}.png`, fullPage: true });
      await page.close();
    }
    console.log(name);
  };
  const wallet = (page) => page.evaluate(() => {
    window.ethereum = {};
    window.dispatchEvent(Object.assign(new Event('eip6963:announceProvider'), { detail: { provider: {} } }));
  });

  const shop = { successUrl: 'https://shop.example/paid', cancelUrl: 'https://shop.example/cancelled' };
  const open = await gateway.order(shop);
  await shoot('open', open.orderId, wallet);
  await shoot('open-request', open.orderId, (page) => page.getByText('Wallet link', { exact: true }).click());
  await shoot('open-details', open.orderId, (page) => page.locator('.details summary').click());
  await shoot('open-chinese', `${open.orderId}?lang=zh`);
  await shoot('open-tron', (await gateway.order({ ...shop, amount: '1250', chainId: 'tron-nile' })).orderId);
  await shoot('open-solana', (await gateway.order({ ...shop, currency: 'USDC', chainId: 'solana-devnet' })).orderId);
  await shoot('open-18-decimals', (await gateway.order({ ...shop, amount: '1234567890.123456789012345678', chainId: 'bsc-testnet' })).orderId);

  const [short, over, wrong, none, late] = [await gateway.order(shop), await gateway.order(shop), await gateway.order(shop), await gateway.order(shop), await gateway.order(shop)];
  await gateway.pay(wrong, { kind: 'wrong_token', amount: '12.50' });
  await gateway.pay(short, { kind: 'under' });
  await gateway.pay(over, { kind: 'over' });
  await gateway.orderWhen(over, (order) => order.txHash);
  await shoot('short', short.orderId);
  await shoot('wrong-token', wrong.orderId);
  const paid = await gateway.order(shop);
  await gateway.pay(paid);
  await gateway.orderWhen(paid, (order) => order.txHash);
  await shoot('confirming', paid.orderId);
  await gateway.mine(3);
  await gateway.orderWhen(paid, (order) => order.status === 'completed');
  await shoot('paid', paid.orderId);
  await shoot('paid-too-much', over.orderId);
  await shoot('paid-chinese', `${paid.orderId}?lang=zh`);

  const link = await gateway.link({
    title: 'Annual plan', description: 'One year of everything.\nCancel whenever you like.', amount: '99', inventoryTotal: 20, ctaText: 'Buy the plan', theme: 'light',
    currencies: [{ currency: 'USDT', chain_options: ['ethereum-sepolia', 'tron-nile'] }, { currency: 'USDC', amount: '98.50', chain_options: ['base-sepolia', 'solana-devnet'], is_primary: true }],
  });
  await shoot('link', link.slug);
  await shoot('link-chinese', `${link.slug}?lang=zh`);
  const gift = await gateway.link({ title: 'Donation', amount: '0' });
  await shoot('link-amount', gift.slug);
  await shoot('link-mistake', gift.slug, async (page) => {
    await page.getByLabel('Amount you want to pay').fill('1,50');
    await page.getByRole('button', { name: 'Continue' }).click();
    await page.getByRole('alert').waitFor();
  });
  const last = await gateway.link({ title: 'The last one', inventoryTotal: 1 });
  await fetch(`${url}/api/v1/checkout/${last.slug}/orders`, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify({ currency: 'USDT', chainId: 'ethereum-sepolia' }) });
  await shoot('link-sold-out', last.slug);
  await gateway.unpublish(last);
  await shoot('link-closed', last.slug);
  await shoot('not-found', 'ord_none');

  const back = await gateway.order(shop);
  await gateway.pay(back);
  await gateway.mine(2);
  await gateway.orderWhen(back, (order) => order.status === 'completed');
  await gateway.reorg(3);
  await gateway.mine(2);
  await gateway.orderWhen(back, (order) => order.receivedAmount === '0.00');
  await shoot('taken-back', back.orderId);

  await gateway.advance(11 * 60);
  await shoot('grace', none.orderId);
  await shoot('grace-short', short.orderId);
  await gateway.advance(5 * 60);
  for (const order of [short, none, late]) await gateway.orderWhen(order, (now) => now.status === 'expired');
  await shoot('expired', none.orderId);
  await shoot('expired-short', short.orderId);
  await gateway.pay(late, { kind: 'late' });
  await gateway.mine(3);
  await gateway.orderWhen(late, (order) => order.paidLate);
  await shoot('late', late.orderId);
  await browser.close();
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
